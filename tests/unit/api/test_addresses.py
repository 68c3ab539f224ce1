"""Who a request comes from, with and without proxies in between."""

from ipaddress import ip_network

import pytest

from api.addresses import Addresses, bucket

TRUSTED = tuple(ip_network(network) for network in ("10.0.0.0/8", "192.0.2.7", "::1", "fd00::/8"))


def client(peer: str, *forwarded: str) -> str:
    headers = [(b"x-forwarded-for", one.encode("latin-1")) for one in forwarded]
    return Addresses(TRUSTED).of({"client": (peer, 1234), "headers": headers})


@pytest.mark.parametrize(
    ("peer", "forwarded", "expected"),
    [
        ("203.0.113.5", [], "203.0.113.5"),
        # Nobody but our own proxies is believed.
        ("203.0.113.5", ["198.51.100.1"], "203.0.113.5"),
        ("10.1.2.3", [], "10.1.2.3"),
        ("10.1.2.3", ["198.51.100.1"], "198.51.100.1"),
        # What stands left of the first that is none of ours, anybody may have written.
        ("10.1.2.3", ["1.1.1.1, 198.51.100.1"], "198.51.100.1"),
        ("10.1.2.3", ["1.1.1.1", "198.51.100.1"], "198.51.100.1"),
        ("10.1.2.3", ["198.51.100.1, 192.0.2.7, 10.9.9.9"], "198.51.100.1"),
        ("10.1.2.3", ["10.7.7.7, 10.9.9.9"], "10.7.7.7"),
        ("10.1.2.3", ["198.51.100.1, nonsense"], "10.1.2.3"),
        ("10.1.2.3", ["198.51.100.1, unknown, 10.9.9.9"], "10.9.9.9"),
        ("10.1.2.3", [""], "10.1.2.3"),
        ("10.1.2.3", [",,,"], "10.1.2.3"),
        ("10.1.2.3", ["\xff\x00"], "10.1.2.3"),
        ("10.1.2.3", ["198.51.100.1:4711"], "198.51.100.1"),
        ("10.1.2.3", ["[2001:db8:1:2::9]:4711"], "2001:db8:1:2::/64"),
        ("fd00::1", ["2001:db8:1:2:3::9"], "2001:db8:1:2::/64"),
        ("::ffff:10.1.2.3", ["::ffff:198.51.100.1"], "198.51.100.1"),
        ("fe80::1%eth0", [], "fe80::/64"),
        ("", ["198.51.100.1"], ""),
    ],
)
def test_the_client_is_the_first_from_the_right_that_is_no_proxy_of_ours(
    peer: str, forwarded: list[str], expected: str
) -> None:
    assert client(peer, *forwarded) == expected


def test_a_long_list_is_read_from_the_right_and_not_whole() -> None:
    assert client("10.1.2.3", "1.1.1.1," * 100_000 + "10.0.0.1") == "1.1.1.1"
    assert client("10.1.2.3", "198.51.100.1" + ",10.0.0.1" * 100) == "10.0.0.1"


def test_all_of_one_customer_of_ipv6_are_one() -> None:
    assert bucket("2001:db8:1:2::1") == bucket("2001:db8:1:2:ffff:ffff:ffff:ffff") == "2001:db8:1:2::/64"
    assert bucket("2001:db8:1:3::1") != bucket("2001:db8:1:2::1")


def test_a_server_that_tells_no_client_is_no_failure() -> None:
    assert Addresses(TRUSTED).of({"headers": []}) == ""
    assert Addresses(TRUSTED).of({"client": None, "headers": []}) == ""
