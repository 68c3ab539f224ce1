"""The faults of life: near the asked rates, and what the ledger says of them."""

from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import timedelta
from itertools import pairwise

import pytest

from firmware_protocol.codec import decode
from firmware_protocol.frames import StateFrame
from sensors_sim.faults import Faults
from sensors_sim.plates import misread, plate_of
from tests.unit.sensors_sim.conftest import EPOCH, Life

Living = Callable[..., Life]


def test_losses_come_at_their_rate_and_are_on_record(living: Living) -> None:
    life = living(faults=Faults(lost=0.2))
    lost, sent = len(life.ledger.lost), len(life.sent)
    assert lost / (lost + sent) == pytest.approx(0.2, abs=0.03)
    numbers = [message.number for _, message, _ in life.sent] + [record.number for record in life.ledger.lost]
    assert sorted(numbers) == list(range(1, lost + sent + 1))


def test_with_losses_the_told_state_is_the_replay_of_what_was_acknowledged(living: Living) -> None:
    life = living(faults=Faults(lost=0.4), heartbeat_s=600)
    replay = life.ledger.replay()
    assert life.final.bays == {bay: replay.get(bay, "unknown") for bay in life.city.bay_ids}
    assert life.final.bays != life.final.truth
    for site in life.city.sites:
        counts = life.final.sites[site.id]
        if not site.gates:
            assert counts.vacant + counts.occupied + counts.unknown == site.capacity


def test_duplicates_are_the_same_bytes_under_the_same_number(living: Living) -> None:
    life = living(faults=Faults(duplicate=0.3))
    payloads = defaultdict(list)
    for _, message, payload in life.sent:
        payloads[message.number].append((message.copy, payload))
    twice = [copies for copies in payloads.values() if len(copies) == 2]
    assert len(twice) / len(payloads) == pytest.approx(0.3, abs=0.04)
    for copies in twice:
        assert {copy for copy, _ in copies} == {0, 1}
        assert len({payload for _, payload in copies}) == 1
    assert life.final.bays == life.final.truth


def test_late_messages_are_overtaken_and_end_in_the_same_state(living: Living) -> None:
    life = living(faults=Faults(late=0.3))
    numbers = [message.number for _, message, _ in life.sent]
    assert sum(later < earlier for earlier, later in pairwise(numbers)) > 0.1 * len(numbers)
    late = sum("late" in message.faults for _, message, _ in life.sent)
    assert late / len(life.sent) == pytest.approx(0.3, abs=0.04)
    assert life.final.bays == life.final.truth == life.ledger.replay()


def test_a_late_frame_keeps_the_age_of_its_departure(living: Living) -> None:
    life = living(faults=Faults(late=1.0))
    began = {event.identity: event.at.timestamp() - EPOCH for event in life.ledger.events}
    ages = []
    for now, message, payload in life.sent:
        if "/bay/" in message.topic and now < 80:
            frame = decode(payload)
            assert isinstance(frame, StateFrame)
            ages.append(now - began[message.events[0]] - frame.age_s)
    assert min(ages) > 0.9
    assert max(ages) > 30


def test_a_reboot_takes_the_next_boot_id_and_begins_the_sequence_again(living: Living) -> None:
    life = living(faults=Faults(reboot=40), boot=254)
    events = defaultdict(list)
    for event in life.ledger.events:
        if event.device.startswith("ps-"):
            events[event.device].append(event)
    boots = [event for mine in events.values() for event in mine if event.kind == "boot"]
    hours = 90 / 3600
    assert len(boots) / len(events) - 1 == pytest.approx(40 * hours, rel=0.3)
    for mine in events.values():
        for earlier, later in pairwise(mine):
            if later.kind == "boot":
                assert (later.session, later.seq) == ((earlier.session + 1) % 256, 0)
                assert later.state == earlier.state
            else:
                assert (later.session, later.seq) == (earlier.session, earlier.seq + 1)
                assert later.at > earlier.at
    assert life.final.bays == life.final.truth


def test_a_lorawan_sensor_that_reboots_gets_a_new_session(living: Living) -> None:
    life = living(faults=Faults(reboot=200))
    sessions = defaultdict(list)
    for event in life.ledger.events:
        if not event.device.startswith("ps-"):
            sessions[event.device, event.session].append(event.seq)
    devices = Counter(device for device, _ in sessions)
    assert max(devices.values()) > 2
    assert all(seen == list(range(len(seen))) for seen in sessions.values())


def test_a_stuck_sensor_says_the_same_while_its_bay_changes(living: Living) -> None:
    life = living(bays=400, faults=Faults(stuck=0.3), duration=120)
    stuck = {fault.bay: fault.at for fault in life.ledger.faults if fault.fault == "stuck"}
    assert len(stuck) / life.city.bays == pytest.approx(0.3, abs=0.07)
    for event in life.ledger.events:
        if event.bay in stuck and event.kind == "change":
            assert event.began < stuck[event.bay]
    wrong = {bay for bay, state in life.final.truth.items() if life.final.bays[bay] != state}
    assert wrong
    assert wrong <= set(stuck)
    assert {truth.bay for truth in life.ledger.truths} <= set(stuck)
    for bay in wrong:
        assert [t.state for t in life.ledger.truths if t.bay == bay][-1] == life.final.truth[bay]


def test_a_flapping_sensor_adds_changes_and_keeps_the_debounce(living: Living) -> None:
    life = living(faults=Faults(flapping=0.3), duration=200, speed=30)
    flapping = {fault.bay for fault in life.ledger.faults}
    told = Counter(event.bay for event in life.ledger.events if event.kind == "change")
    true = Counter(truth.bay for truth in life.ledger.truths)
    assert sum(told[bay] for bay in flapping) > 1.3 * sum(true.values())
    changes = defaultdict(list)
    for event in life.ledger.events:
        if event.kind == "change":
            changes[event.bay].append(event)
    for mine in changes.values():
        for earlier, later in pairwise(mine):
            assert later.began - earlier.began >= timedelta(seconds=2)
            assert later.state != earlier.state
    # The end may come in the middle of a burst.
    wrong = {bay for bay, state in life.final.truth.items() if life.final.bays[bay] != state}
    assert wrong <= flapping


def test_a_silent_sensor_says_nothing_more(living: Living) -> None:
    life = living(faults=Faults(silent=0.3), duration=120, heartbeat_s=5)
    died = {fault.bay: fault.at.timestamp() - EPOCH for fault in life.ledger.faults}
    assert set(life.final.silent) == set(died)
    last: dict[str, float] = {}
    for now, message, _ in life.sent:
        for told in message.told:
            last[life.city.bay_ids[told.bay]] = now
    # What it said last may have been on its way, and in its gateway, when it died.
    assert all(last[bay] <= at + 4 for bay, at in died.items())
    assert all(last[bay] > 100 for bay in life.city.bay_ids if bay not in died)


def test_gates_miss_double_and_misread_at_their_rates(living: Living) -> None:
    life = living(sites=9, faults=Faults(missed=0.1, double=0.2, misread=0.3), duration=240)
    marks = Counter(mark for gate in life.ledger.gates for mark in gate.faults)
    count = len(life.ledger.gates)
    assert count > 500
    assert marks["missed"] / count == pytest.approx(0.1, abs=0.04)
    assert marks["double"] / count == pytest.approx(0.2, abs=0.05)
    assert marks["misread"] / count == pytest.approx(0.3, abs=0.06)
    missed = [gate for gate in life.ledger.gates if "missed" in gate.faults]
    told = {message.read.event_id for _, message, _ in life.sent if message.read}
    assert not told & {gate.event_id for gate in missed}
    happened = sum(c.entered + c.left for c in life.final.gates.values())
    assert sum(c.told_entered + c.told_left for c in life.final.gates.values()) == happened - len(missed)


def test_a_misread_plate_differs_in_one_or_two_characters() -> None:
    for vehicle in range(500):
        plate = plate_of(1, vehicle)
        wrong = misread(plate, vehicle)
        assert 1 <= sum(a != b for a, b in zip(plate, wrong, strict=True)) <= 2


def test_plates_follow_from_the_seed_and_seldom_repeat() -> None:
    plates = [plate_of(1, vehicle) for vehicle in range(5000)]
    assert plates == [plate_of(1, vehicle) for vehicle in range(5000)]
    assert len(set(plates)) > 4990


def test_the_ledger_holds_no_plate(living: Living) -> None:
    life = living(faults=Faults(misread=0.2, lost=0.1))
    text = repr(life.ledger)
    vehicles = {gate.vehicle for gate in life.ledger.gates}
    assert not [vehicle for vehicle in vehicles if plate_of(1, vehicle) in text]


@pytest.mark.parametrize("rates", [{"lost": -0.1}, {"late": 1.5}, {"stuck": float("nan")}, {"reboot": -1}])
def test_a_rate_is_a_share(rates: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="rate"):
        Faults(**rates)
