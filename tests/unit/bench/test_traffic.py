"""The benchmark's messages are what the ingestor takes, and they tell what they claim to tell."""

import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from bench.mqtt import unpacked
from bench.traffic import Sensors, Town, Traffic, bundles, frames, some, uplinks
from ingest.decode import decode
from parking.model import BayObservation
from parking.registry import Codecs


def told(town: Town, traffic: Traffic) -> list[BayObservation]:
    found = []
    for topic, payload in unpacked(traffic.packets):
        decoded = decode(topic, payload, received_at=datetime.now(UTC), directory=Codecs(town.registry()))
        assert decoded.rejections == ()
        found += [seen for seen in decoded.observations if isinstance(seen, BayObservation)]
    return found


@pytest.mark.parametrize(
    ("sensors", "make"),
    [
        ("parking-v1", frames),
        ("parking-v1", bundles),
        ("lorawan", lambda t, n: uplinks(t, n, now=time.time())),
    ],
)
def test_each_round_changes_every_bay_once_and_states_alternate(
    sensors: Sensors, make: Callable[[Town, int], Traffic]
) -> None:
    town = Town(120, sensors)
    first, second = make(town, 1), make(town, 2)
    seen = told(town, first) + told(town, second)
    assert (first.events, second.events) == (120, 240)
    assert Counter(one.device for one in seen) == Counter({one.device: 3 for one in seen})
    assert len({one.device for one in seen}) == 120
    assert len({(one.device, one.session, one.seq) for one in seen}) == 360
    for device in {one.device for one in seen}:
        states = [str(one.state) for one in seen if one.device == device]
        assert states == ["vacant", "occupied", "vacant"]
        times = [one.event_at for one in seen if one.device == device]
        assert times == sorted(times)


def test_the_last_bay_is_that_of_the_last_message() -> None:
    town = Town(70)
    traffic = frames(town, 2)
    assert told(town, traffic)[-1].device.removeprefix("sensor-") == traffic.last_bay.removeprefix("bay-")
    assert traffic.last_bay_events == 2


def test_some_bays_change_in_the_order_asked_for() -> None:
    town = Town(10)
    bundles(town, 1)
    traffic = some(town, [7, 3])
    assert [(one.device, str(one.state)) for one in told(town, traffic)] == [
        ("sensor-000007", "occupied"),
        ("sensor-000003", "occupied"),
    ]
    assert (traffic.last_bay, traffic.last_bay_events) == ("bay-000003", 2)
