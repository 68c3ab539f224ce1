"""Simulated flapping whose truth is known: what holding back short states does to what is published."""

import pytest

from bench.flapping import Outcome, Street, measure


@pytest.fixture(scope="module")
def outcomes() -> dict[float, Outcome]:
    street = Street(seed=7, bays=120, hours=1.5)
    return {debounce_s: measure(street, debounce_s) for debounce_s in (0.0, 10.0)}


def test_without_it_every_change_is_published_and_a_bouncing_sensor_tells_many(
    outcomes: dict[float, Outcome],
) -> None:
    for group in (outcomes[0.0].sound, outcomes[0.0].bouncing, outcomes[0.0].glitching):
        assert group.published == group.told
    assert outcomes[0.0].bouncing.told > 3 * outcomes[0.0].bouncing.real > 0


def test_a_bouncing_sensor_flickers_no_more_and_its_bay_is_told_more_truly(
    outcomes: dict[float, Outcome],
) -> None:
    without, held = outcomes[0.0].bouncing, outcomes[10.0].bouncing
    assert held.published < 2 * held.real
    assert held.published < 0.4 * without.published
    assert held.wrong_s < 0.6 * without.wrong_s


def test_sound_sensors_are_published_as_before(outcomes: dict[float, Outcome]) -> None:
    without, held = outcomes[0.0].sound, outcomes[10.0].sound
    assert held.published >= without.published - 2
    assert held.wrong_s <= 1.1 * without.wrong_s


def test_a_short_state_amid_a_long_one_is_shown_and_longer_than_it_was(
    outcomes: dict[float, Outcome],
) -> None:
    without, held = outcomes[0.0].glitching, outcomes[10.0].glitching
    assert held.published <= without.published
    assert without.wrong_s < held.wrong_s < 3 * without.wrong_s
    assert outcomes[10.0].count_error < outcomes[0.0].count_error + 0.002
