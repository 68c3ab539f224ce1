"""What a living city sends, and whether its ledger says the same."""

import json
from base64 import b64decode
from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from firmware_protocol.codec import decode, decode_bundle, is_bundle
from firmware_protocol.frames import FrameType, State, StateFrame
from ingest.decode import decode as ingest_decode
from parking.model import BayObservation, PlateRead
from sensors_sim.faults import Faults
from sensors_sim.ledger import Event, Identity
from tests.unit.sensors_sim.conftest import EPOCH, Life


def _frames(life: Life) -> list[tuple[str, float, StateFrame]]:
    """Each of our frames as it was sent: device, when the bay was in that state, frame."""
    found = []
    for now, message, payload in life.sent:
        if not message.topic.startswith("parking/v1/"):
            continue
        if not is_bundle(payload):
            frame = decode(payload)
            assert isinstance(frame, StateFrame)
            found.append((message.topic.split("/")[4], now - frame.age_s, frame))
            continue
        bundle = decode_bundle(payload)
        assert bundle.error is None
        for entry in bundle.entries:
            assert isinstance(entry.frame, StateFrame)
            found.append((entry.device, now - entry.delay_s - entry.frame.age_s, entry.frame))
    return found


def _by_device(events: list[Event]) -> dict[str, list[Event]]:
    found = defaultdict(list)
    for event in events:
        found[event.device].append(event)
    return found


def test_the_same_seed_sends_the_same_however_often_one_looks(living: Callable[..., Life]) -> None:
    faults = Faults(duplicate=0.1, late=0.1, lost=0.05, reboot=20, flapping=0.1, misread=0.2)
    often, seldom = (living(faults=faults, step=step, duration=60) for step in (None, 1.7))
    assert often.ledger.events == seldom.ledger.events
    assert often.ledger.gates == seldom.ledger.gates

    def key(life: Life) -> Counter[object]:
        return Counter((m.number, m.copy, m.topic, m.events, m.faults) for _, m, _ in life.sent)

    assert key(often) == key(seldom)
    assert often.final.bays == seldom.final.bays


def test_another_seed_sends_something_else(calm: Life, living: Callable[..., Life]) -> None:
    assert living(seed=2).ledger.events != calm.ledger.events


def test_every_bay_is_known_within_seconds(calm: Life) -> None:
    told = {event.bay for event in calm.ledger.events if event.at.timestamp() < EPOCH + 4}
    assert told == set(calm.city.bay_ids)
    assert all(events[0].kind == "boot" for events in _by_device(calm.ledger.events).values())


def test_our_frames_say_what_the_ledger_says(calm: Life) -> None:
    by_identity = {event.identity: event for event in calm.ledger.events}
    frames = _frames(calm)
    assert {frame.type for *_, frame in frames} == {FrameType.EVENT, FrameType.HEARTBEAT, FrameType.BOOT}
    for device, since, frame in frames:
        event = by_identity[Identity(device, frame.boot, frame.seq)]
        assert event.state == ("occupied" if frame.state is State.OCCUPIED else "vacant")
        # Whole seconds of the age, and of a gateway's delay, are rounded down: an estimate is never early.
        assert 0 <= since - (event.at.timestamp() - EPOCH) < 2.001


def test_frames_come_both_directly_and_through_gateways(calm: Life) -> None:
    kinds = Counter(m.topic.split("/")[3] for _, m, _ in calm.sent if m.topic.startswith("parking/v1/"))
    assert set(kinds) == {"bay", "gateway"}
    sizes = [len(decode_bundle(p).entries) for _, m, p in calm.sent if "/gateway/" in m.topic]
    assert max(sizes) > 3


def test_heartbeats_repeat_the_sequence_and_grow_older(calm: Life) -> None:
    direct = [entry for entry in _frames(calm) if entry[2].type is FrameType.HEARTBEAT]
    assert len({device for device, *_ in direct}) > 50
    known = {event.identity for event in calm.ledger.events if event.kind != "heartbeat"}
    assert all(Identity(device, frame.boot, frame.seq) in known for device, _, frame in direct)


def test_transitions_count_up_alternate_and_are_two_seconds_apart(calm: Life) -> None:
    ours = [e for e in _by_device(calm.ledger.events).values() if e[0].device.startswith("ps-")]
    assert max(len(events) for events in ours) > 3
    for events in ours:
        assert [event.seq for event in events] == list(range(len(events)))
        for earlier, later in pairwise(events):
            assert earlier.state != later.state
            assert later.at - earlier.at >= timedelta(seconds=2)


def test_the_previous_duration_reaches_back_to_the_transition_before(calm: Life) -> None:
    began = {event.identity: event.at for event in calm.ledger.events}
    checked = 0
    for device, _, frame in _frames(calm):
        if frame.seq == 0:
            assert frame.previous_s is None
            continue
        here = began[Identity(device, frame.boot, frame.seq)]
        before = began[Identity(device, frame.boot, frame.seq - 1)]
        assert frame.previous_s == int((here - before).total_seconds())
        checked += 1
    assert checked > 100


def test_the_ingestor_understands_every_message_as_the_ledger_does(calm: Life) -> None:
    codecs = {
        bay["sensor"]["id"]: bay["sensor"]["codec"]
        for site in calm.city.registry()["sites"]
        for bay in site.get("bays", [])
    }

    class Directory:
        def codec(self, device: str) -> str | None:
            return codecs.get(device)

    events = {event.identity: event for event in calm.ledger.events}
    seen: set[Identity] = set()
    reads: set[str] = set()
    for now, message, payload in calm.sent:
        arrival = datetime.fromtimestamp(EPOCH + now, UTC)
        decoded = ingest_decode(message.topic, payload, received_at=arrival, directory=Directory())
        assert not decoded.rejections
        bays = [item for item in decoded.observations if isinstance(item, BayObservation)]
        assert [(bay.device, bay.session, bay.seq, bay.part) for bay in bays] == list(message.events)
        for bay, identity in zip(bays, message.events, strict=True):
            assert bay.state == events[identity].state
            late = bay.event_at - events[identity].at
            allowed = timedelta(seconds=2.001) if bay.device.startswith("ps-") else timedelta(0)
            assert timedelta(0) <= late <= allowed
            seen.add(identity)
        plates = [item for item in decoded.observations if isinstance(item, PlateRead)]
        assert [plate.event_id for plate in plates] == ([message.read.event_id] if message.read else [])
        reads.update(plate.event_id for plate in plates)
    assert seen == set(events)
    assert reads == {gate.event_id for gate in calm.ledger.gates}


def test_lorawan_uplinks_count_frames_and_come_from_both_servers(calm: Life) -> None:
    counters: dict[str, list[int]] = defaultdict(list)
    for now, message, payload in calm.sent:
        if message.topic.startswith("v3/"):
            body = json.loads(payload)
            uplink = body["uplink_message"]
            counters[body["end_device_ids"]["device_id"]].append(uplink.get("f_cnt", 0))
            assert b64decode(uplink["frm_payload"])
            assert datetime.fromisoformat(body["received_at"]).timestamp() <= EPOCH + now
        elif message.topic.startswith("application/"):
            body = json.loads(payload)
            counters[body["deviceInfo"]["devEui"]].append(body["fCnt"])
            assert datetime.fromisoformat(body["time"]).timestamp() <= EPOCH + now
    assert any(name.startswith("eui-") for name in counters)
    assert any(not name.startswith("eui-") for name in counters)
    for seen in counters.values():
        assert seen == list(range(len(seen)))


def test_lorawan_heartbeats_are_events_of_their_own(living: Callable[..., Life]) -> None:
    life = living(heartbeat_s=8, duration=60)
    kinds = Counter((e.device.startswith("ps-"), e.kind) for e in life.ledger.events)
    assert kinds[False, "heartbeat"] > 10
    assert kinds[True, "heartbeat"] == 0


def test_without_faults_what_was_told_is_the_truth(calm: Life) -> None:
    final = calm.final
    assert final.bays == final.truth == calm.ledger.replay()
    for site in calm.city.sites:
        counts = final.sites[site.id]
        assert counts.vacant + counts.occupied + counts.unknown == site.capacity
        assert counts.unknown == 0
    for gate in final.gates.values():
        assert (gate.told_entered, gate.told_left, gate.told_inside) == (
            gate.entered,
            gate.left,
            gate.inside,
        )


def test_gate_counts_are_the_ledgers_passages(calm: Life) -> None:
    directions = Counter((gate.site, gate.direction) for gate in calm.ledger.gates)
    assert sum(directions.values()) > 50
    for site, counts in calm.final.gates.items():
        assert counts.entered == directions[site, "in"]
        assert counts.left == directions[site, "out"]
        assert counts.inside == calm.ledger.start.inside[site] + counts.entered - counts.left


def test_who_leaves_a_car_park_has_been_inside(calm: Life) -> None:
    inside = set(range(sum(calm.ledger.start.inside.values())))
    for gate in calm.ledger.gates:
        if gate.direction == "in":
            assert gate.vehicle not in inside
            inside.add(gate.vehicle)
        else:
            inside.remove(gate.vehicle)
    assert len(inside) == sum(counts.inside for counts in calm.final.gates.values())


def test_a_second_run_has_other_identities(calm: Life, living: Callable[..., Life]) -> None:
    later = living(boot=8, epoch=EPOCH + 60)
    mine, theirs = ({(event.device, event.session) for event in life.ledger.events} for life in (calm, later))
    assert not mine & theirs
    reads = [{gate.event_id for gate in life.ledger.gates} for life in (calm, later)]
    assert not reads[0] & reads[1]


def test_at_speed_sixty_the_default_city_is_lively(living: Callable[..., Life]) -> None:
    life = living(bays=500, sites=12, speed=60, duration=60, heartbeat_s=900)
    after_start = [now for now, *_ in life.sent if 10 < now <= 60]
    assert 10 <= len(after_start) / 50 <= 60


@pytest.mark.parametrize(("bays", "sites"), [(0, 2), (1, 1), (3, 2)])
def test_the_smallest_cities_live(living: Callable[..., Life], bays: int, sites: int) -> None:
    life = living(bays=bays, sites=sites, duration=30)
    assert life.sent
    assert life.final.bays == life.final.truth
    assert len(life.final.truth) == bays


def test_expiry_is_asked_for_where_times_are_relative(calm: Life) -> None:
    for _, message, _ in calm.sent:
        assert message.expires == message.topic.startswith("parking/v1/")


@pytest.mark.parametrize("rate", [0.0, 0.5])
def test_real_time_is_one_of_the_speeds(living: Callable[..., Life], rate: float) -> None:
    life = living(speed=1, duration=600, faults=Faults(duplicate=rate))
    assert life.final.bays == life.final.truth
