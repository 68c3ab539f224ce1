"""What holds of published numbers, against a city of which everything is known."""

from collections.abc import AsyncIterator, Awaitable, Callable

import numpy as np
import pytest

from bench.ground import ground
from bench.true_city import Lived, live, streets
from bench.truth import measure
from bench.truth_run import Outcome, follow
from bench.truth_scores import UNKNOWN, longest
from sensors_sim.faults import Faults

HOURS = 3.0
STEP_S = 60
OWN_HEARTBEAT_S, TTL = 900, 2.5
ON_THE_WAY_S = 20
"""Debounce, radio, a gateway's bundle, and what is held back."""

Follow = Callable[[Faults], Awaitable[tuple[Lived, Outcome]]]


@pytest.fixture
async def followed() -> AsyncIterator[Follow]:
    """Live with faults on a small street, and take it through the real code."""
    async with ground(broker=False) as on:

        async def one(faults: Faults) -> tuple[Lived, Outcome]:
            lived = live(streets(seed=3, bays=40), faults, hours=HOURS)
            return lived, await follow(on.databases.create(), lived, every_s=STEP_S)

        yield one


async def test_without_faults_and_with_copies_the_reports_are_the_truth() -> None:
    found = await measure(seed=3, number=40, hours=HOURS, names=["none", "duplicate"], rates=[0.5])

    calm, doubled = found.streets
    assert calm.use.stays == 0
    assert abs(calm.use.dwell_min) < 0.02
    assert calm.use.overstays >= 3
    assert (calm.use.precision, calm.use.recall, calm.bays.unknown) == (100.0, 100.0, 0.0)
    assert calm.occupancy.error < 0.5
    assert (doubled.occupancy, doubled.bays, doubled.use) == (calm.occupancy, calm.bays, calm.use)
    calm_park, doubled_park = found.parks
    assert calm_park.occupancy.within == 100
    assert doubled_park.occupancy == calm_park.occupancy


async def test_late_messages_make_no_stay_and_lose_none(followed: Follow) -> None:
    lived, outcome = await followed(Faults(late=0.3))

    true, told = lived.stays(), outcome.stays
    assert np.array_equal(np.bincount(told.bay, minlength=40), np.bincount(true.bay, minlength=40))
    assert not (outcome.samples.bay_states == UNKNOWN).any()
    # 300 s is the longest that a message is late, and a device without a clock dates by its arrival.
    assert np.abs(told.begin - true.begin).max() < 300 + ON_THE_WAY_S


async def test_lost_messages_make_a_bay_wrong_for_no_longer_than_a_device_may_be_silent(
    followed: Follow,
) -> None:
    lived, outcome = await followed(Faults(lost=0.3))

    seen = outcome.samples
    wrong = seen.bay_states == np.where(seen.bay_truth, 0, 1)
    own = lived.city.heartbeat_s == OWN_HEARTBEAT_S
    assert own.sum() >= 20
    assert wrong[:, own].any()
    assert longest(wrong[:, own]) * STEP_S <= TTL * OWN_HEARTBEAT_S + ON_THE_WAY_S + STEP_S
    assert (seen.bay_states == UNKNOWN).any()


async def test_a_dead_sensor_ends_as_unknown(followed: Follow) -> None:
    lived, outcome = await followed(Faults(silent=1.0))

    own = lived.city.heartbeat_s == OWN_HEARTBEAT_S
    dead_from = int((TTL * OWN_HEARTBEAT_S + 120) // STEP_S)
    assert (outcome.samples.bay_states[dead_from:, own] == UNKNOWN).all()


async def test_an_outage_of_the_ingestor_costs_no_report_anything() -> None:
    found = await measure(seed=3, number=40, hours=6.0, names=["none", "outage"])

    calm, *after = found.streets
    assert len(after) == 2
    for one in after:
        assert (one.use.stays, one.use.overstays) == (0, calm.use.overstays)
        assert abs(one.use.dwell_min) < 0.1
        assert (one.use.precision, one.use.recall) == (100.0, 100.0)
        assert one.bays.wrong > calm.bays.wrong
