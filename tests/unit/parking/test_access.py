"""User names and rules: each name belongs to one holder, and no rule lets a device out of its own topics."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_protocol import topics
from parking.access import LEVELS, NETWORK_SERVERS, Holder, Role, access_file, holder, holder_of
from parking.errors import AccessError

names = st.from_regex(r"[A-Za-z0-9._-]{1,64}", fullmatch=True)
of_a_site = st.builds(holder, st.sampled_from(list(LEVELS)), names, names)
others = st.builds(
    holder, st.sampled_from([role for role in Role if role not in LEVELS and role != "network-server"]), names
)
servers = st.builds(
    lambda kind, name: holder(Role.NETWORK_SERVER, f"{kind}{name}"[:64]),
    st.sampled_from(list(NETWORK_SERVERS)),
    st.one_of(st.just(""), names.map(lambda name: f".{name}")),
)
holders = st.one_of(of_a_site, others, servers)


def matches(topic_filter: str, topic: str) -> bool:
    """What MQTT says of a filter without a $."""
    pattern = re.escape(topic_filter).replace(r"\+", "[^/]*").replace(r"\#", ".*").replace("/.*", "(/.*)?")
    return re.fullmatch(pattern, topic) is not None


@given(holders)
def test_a_user_name_tells_its_holder(one: Holder) -> None:
    assert holder_of(one.user) == one


@given(st.one_of(holders.map(lambda one: one.user), st.text(max_size=200)))
def test_any_text_is_a_holder_or_none(user: str) -> None:
    found = holder_of(user)
    assert found is None or found.user == user


@given(st.sampled_from(list(Role)), st.text(max_size=80), st.none() | st.text(max_size=80))
def test_any_names_are_taken_or_told(role: Role, name: str, site: str | None) -> None:
    told = ""
    try:
        assert not set("+#\n:") & set(holder(role, name, site).user)
    except AccessError as error:
        told = error.message
    assert re.match(r"(id|site): |$", told)


@given(names, names)
def test_a_device_has_the_topics_of_the_contract(site: str, device: str) -> None:
    assert holder(Role.DEVICE, device, site).rules == (
        ("write", topics.bay_up(site, device)),
        ("read", topics.bay_down(site, device)),
    )
    assert holder(Role.GATEWAY, device, site).rules == (("write", topics.gateway_up(site, device)),)
    assert holder(Role.CAMERA, device, site).rules == (("write", topics.anpr_read(site, device)),)


@given(of_a_site, holders)
def test_nobody_but_our_own_services_shares_a_topic_with_a_device(one: Holder, other: Holder) -> None:
    ours = (Role.INGESTOR, Role.OPERATOR, Role.SIMULATOR)
    shared = [
        (topic, of)
        for _, topic in one.rules
        for _, of in other.rules
        if other != one and other.role not in ours and matches(of, topic)
    ]
    assert shared == []


@given(st.lists(holders))
def test_the_file_has_a_block_for_each_user_without_a_site_only(many: list[Holder]) -> None:
    text = access_file(one.user for one in many)
    blocks = re.findall(r"^user (.+)$", text, re.MULTILINE)
    assert blocks == [one.user for one in many if one.site is None]
    before, *_ = text.partition("user ")
    assert set(re.findall(r"^(\w+)", before, re.MULTILINE)) == {"pattern"}


def test_only_the_ingestor_publishes_availability_and_signs() -> None:
    for topic in (topics.availability("s"), topics.sign("s", "vms")):
        may = {
            role
            for role in Role
            for access, of in holder(
                role, "chirpstack" if role == "network-server" else "x", "s" if role in LEVELS else None
            ).rules
            if access == "write" and matches(of, topic)
        }
        assert may == {Role.INGESTOR}


@pytest.mark.parametrize(
    ("role", "name", "site", "told"),
    [
        (Role.DEVICE, "a", None, "site: a device belongs to a site"),
        (Role.READER, "a", "s", "site: a reader belongs to no site"),
        (Role.DEVICE, "a/b", "s", "id: must be 1 to 64 of .* 'a/b'"),
        (Role.DEVICE, "a", "#", "site: must be 1 to 64"),
        (Role.NETWORK_SERVER, "sigfox", None, "things-stack, chirpstack"),
    ],
)
def test_a_wrong_name_is_told(role: Role, name: str, site: str | None, told: str) -> None:
    with pytest.raises(AccessError, match=told):
        holder(role, name, site)


def test_a_user_of_somebody_else_gets_no_rules() -> None:
    assert "user" not in access_file(["parking", "root/of/all/evil"]).replace("%u", "")
