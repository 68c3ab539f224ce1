"""The configuration that is written, and what is refused; the integration tests run the broker on it."""

import re
from dataclasses import replace
from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.broker_config import BASE, Guard, Plan, address, guard_of, render
from parking.errors import AccessError

PLAN = Plan(
    street=address("0.0.0.0:8883", "street"),
    services=address("127.0.0.1:1883", "services"),
    guard=Guard.LOOPBACK,
    folder=PurePosixPath("/var/lib/mosquitto/parking"),
    data=PurePosixPath("/var/lib/mosquitto"),
    max_connections=100,
    max_packet_size=4096,
    max_keepalive_s=60,
)


def settings(text: str) -> list[list[str]]:
    return [line.split() for line in text.splitlines() if line and not line.startswith("#")]


def of_listener(text: str, port: int) -> set[str]:
    """The settings that follow a listener, up to the next one."""
    (block,) = re.findall(rf"^listener {port} .*\n((?:(?!listener ).*\n)*)", text, re.MULTILINE)
    return {words[0] for words in settings(block)}


def test_the_shipped_settings_stay_but_for_those_of_the_place() -> None:
    base, made = BASE.read_text(), settings(render(PLAN, BASE.read_text()))
    changed = {"password_file", "persistence_location", "max_packet_size", "include_dir"}
    assert [words for words in settings(base) if words not in made and words[0] not in changed] == []
    names = [words[0] for words in made]
    assert all(names.count(name) == 1 for name in ("password_file", "acl_file", "persistence_location"))
    assert ["allow_anonymous", "false"] in made
    # It loses what waits for an ingestor that is away while the broker restarts.
    assert "per_listener_settings" not in names


def test_the_street_has_tls_and_client_ids_of_its_own() -> None:
    text = render(PLAN, BASE.read_text())
    assert of_listener(text, 8883) >= {"certfile", "keyfile", "use_username_as_clientid", "max_connections"}
    assert of_listener(text, 1883) == set()


def test_services_off_this_machine_ask_for_certificates() -> None:
    text = render(replace(PLAN, guard=Guard.CERTIFICATES), BASE.read_text())
    assert of_listener(text, 1883) >= {"certfile", "cafile", "require_certificate"}


@pytest.mark.parametrize("host", ["0.0.0.0", "10.0.0.4", "broker.example", "::"])
def test_services_off_this_machine_need_a_guard(host: str) -> None:
    services = address(f"[{host}]:1883", "services")
    for asked in (None, Guard.LOOPBACK):
        with pytest.raises(AccessError, match=r"services: .* can be reached from elsewhere"):
            guard_of(services, asked)
    assert guard_of(services, Guard.CERTIFICATES) is Guard.CERTIFICATES


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost", "127.9.9.9"])
def test_loopback_guards_itself(host: str) -> None:
    assert guard_of(address(f"{host}:1883", "services"), None) is Guard.LOOPBACK


@given(st.text(max_size=40))
def test_any_address_is_one_line_or_told(text: str) -> None:
    told = ""
    try:
        assert re.fullmatch(r"\d+ \S+", str(address(text, "street")))
    except AccessError as error:
        told = error.message
    assert told.startswith("street: ") or not told


def test_two_listeners_need_two_ports() -> None:
    with pytest.raises(AccessError, match="different ports"):
        render(replace(PLAN, services=address("127.0.0.1:8883", "services")), "")
