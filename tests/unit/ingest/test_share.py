"""Sharing the work: every topic belongs to exactly one share, and what belongs together stays together."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from ingest.share import Share, share_of
from parking.settings import Settings

counts = st.integers(1, 64)
names = st.text(st.characters(min_codepoint=0x21, exclude_characters="/"), min_size=1, max_size=20)


@given(counts, st.text(max_size=60))
def test_each_topic_belongs_to_exactly_one_share(count: int, topic: str) -> None:
    assert sum(Share(number, count).owns(topic) for number in range(1, count + 1)) == 1


@given(counts, names, names, names)
def test_all_of_a_site_belongs_to_who_publishes_it(count: int, site: str, device: str, gateway: str) -> None:
    (owner,) = [number for number in range(1, count + 1) if Share(number, count).owns_site(site)]
    share = Share(owner, count)
    assert share.owns(f"parking/v1/{site}/bay/{device}/up") or site == ""
    assert share.owns(f"parking/v1/{site}/gateway/{gateway}/up")
    assert share.owns(f"parking/v1/{site}/anpr/{device}/read")


def test_shares_are_about_equal() -> None:
    topics = [f"parking/v1/street-{number}/bay/s/up" for number in range(1000)]
    for count in (2, 3, 4):
        for number in range(1, count + 1):
            assert 0.8 < sum(map(Share(number, count).owns, topics)) / (1000 / count) < 1.2


def test_the_setting_says_which_and_names_the_session() -> None:
    settings = Settings(ingest_shard="2/4", mqtt_client_id="city")
    assert share_of(settings) == Share(2, 4)
    assert settings.mqtt_session == "city-2-of-4"
    assert Settings(mqtt_client_id="city").mqtt_session == "city"


@pytest.mark.parametrize("value", ["", "1", "0/2", "3/2", "a/b", "1/65", "1/2/3", "-1/2"])
def test_a_share_that_is_none_is_refused(value: str) -> None:
    with pytest.raises(ValidationError, match="must look like 2/4"):
        Settings(ingest_shard=value)
