"""Our topics, built and parsed."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_protocol import topics
from firmware_protocol.topics import Topic, TopicError, parse

names = st.from_regex(r"[A-Za-z0-9._-]{1,64}", fullmatch=True)


@pytest.mark.parametrize(
    ("built", "text", "topic"),
    [
        (topics.bay_up("qs", "b1"), "parking/v1/qs/bay/b1/up", Topic("qs", "bay", "b1", "up")),
        (topics.bay_down("qs", "b1"), "parking/v1/qs/bay/b1/down", Topic("qs", "bay", "b1", "down")),
        (topics.gateway_up("qs", "g1"), "parking/v1/qs/gateway/g1/up", Topic("qs", "gateway", "g1", "up")),
        (topics.anpr_read("cm", "in-1"), "parking/v1/cm/anpr/in-1/read", Topic("cm", "anpr", "in-1", "read")),
        (topics.availability("qs"), "parking/v1/qs/availability", Topic("qs", "availability")),
        (topics.sign("qs", "vms-12"), "parking/v1/qs/sign/vms-12", Topic("qs", "sign", "vms-12")),
    ],
)
def test_topic_is_built_and_parsed(built: str, text: str, topic: Topic) -> None:
    assert built == text
    assert parse(text) == topic
    assert str(topic) == text


@given(names, names)
def test_any_valid_names_come_back(site: str, name: str) -> None:
    assert parse(topics.bay_up(site, name)) == Topic(site, "bay", name, "up")
    assert parse(topics.sign(site, name)) == Topic(site, "sign", name)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "parking/v1",
        "parking/v2/qs/bay/b1/up",
        "/parking/v1/qs/bay/b1/up",
        "parking/v1/qs/bay/b1/up/",
        "parking/v1/qs/bay/b1/up\n",
        "parking/v1/qs/bay/b1",
        "parking/v1/qs/bay//up",
        "parking/v1/qs/bay/b1/read",
        "parking/v1/qs/gateway/g1/down",
        "parking/v1/qs/sign/vms-12/up",
        "parking/v1/qs/availability/up",
        "parking/v1/+/bay/b1/up",
        "parking/v1/qs/bay/ä/up",
        f"parking/v1/qs/bay/{'b' * 65}/up",
        "v3/app@tenant/devices/d/up",
    ],
)
def test_other_topics_are_not_ours(text: str) -> None:
    assert parse(text) is None


@given(st.text(max_size=80))
def test_any_text_parses_to_a_topic_or_none(text: str) -> None:
    parsed = parse("parking/v1/" + text)
    assert parsed is None or str(parsed) == "parking/v1/" + text


@pytest.mark.parametrize("name", ["", "a/b", "+", "#", "a b", "ä", "b" * 65, "b\n"])
def test_builder_refuses_a_name_that_is_no_topic_level(name: str) -> None:
    with pytest.raises(TopicError):
        topics.bay_up("qs", name)
    with pytest.raises(TopicError):
        topics.availability(name)


@pytest.mark.parametrize(
    ("built", "pattern"),
    [
        (topics.bay_up("s", "n"), topics.BAY_UP_FILTER),
        (topics.gateway_up("s", "n"), topics.GATEWAY_UP_FILTER),
        (topics.anpr_read("s", "n"), topics.ANPR_READ_FILTER),
    ],
)
def test_filter_matches_what_the_builder_builds(built: str, pattern: str) -> None:
    assert re.fullmatch(pattern.replace("+", "[^/]+"), built)
