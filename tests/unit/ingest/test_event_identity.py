"""Which LoRaWAN uplinks are copies of one event, and which are events of their own."""

import json
from base64 import b64encode
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ingest.decode import decode
from ingest.decoded import Decoded
from parking.model import BayEvent, BayObservation, Occupancy
from parking.timeline import canonical, inferred, ordered

DEVICE = "70b3d5e75e0000a1"
NOON = datetime(2026, 3, 4, 12, 0, 30, tzinfo=UTC)
Build = Callable[..., tuple[str, dict[str, Any]]]


class AllBosch:
    """A registry of one kind of device."""

    def codec(self, device: str) -> str:
        return "bosch-tps110"


def text(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


def base64(payload: bytes) -> str:
    return b64encode(payload).decode()


def things_stack(payload: bytes, at: datetime, fcnt: int, port: int) -> tuple[str, dict[str, Any]]:
    message = {"f_cnt": fcnt, "f_port": port, "frm_payload": base64(payload), "session_key_id": "key"}
    ids = {"device_id": "d", "dev_eui": DEVICE}
    return "v3/a@t/devices/d/up", {
        "end_device_ids": ids,
        "received_at": text(at),
        "uplink_message": message,
    }


def chirpstack(payload: bytes, at: datetime, fcnt: int, port: int) -> tuple[str, dict[str, Any]]:
    return f"application/1/device/{DEVICE}/event/up", {
        "deviceInfo": {"devEui": DEVICE},
        "deduplicationId": "always-the-same",
        "devAddr": "00aa11bb",
        "time": text(at),
        "fCnt": fcnt,
        "fPort": port,
        "data": base64(payload),
    }


def loriot(payload: bytes, at: datetime, fcnt: int, port: int) -> tuple[str, dict[str, Any]]:
    return f"lorawan/loriot/{DEVICE}/up", {
        "cmd": "rx",
        "EUI": DEVICE,
        "ts": round(at.timestamp() * 1000),
        "fcnt": fcnt,
        "port": port,
        "data": payload.hex(),
    }


def thingpark(payload: bytes, at: datetime, fcnt: int, port: int) -> tuple[str, dict[str, Any]]:
    report = {"DevEUI": DEVICE, "DevAddr": "00aa11bb", "Time": text(at), "FCntUp": fcnt, "FPort": port}
    return f"lorawan/thingpark/{DEVICE}/up", {"DevEUI_uplink": report | {"payload_hex": payload.hex()}}


def helium(payload: bytes, at: datetime, fcnt: int, port: int) -> tuple[str, dict[str, Any]]:
    return "helium/5f2e/rx", {
        "dev_eui": DEVICE,
        "devaddr": "00aa11bb",
        "reported_at": round(at.timestamp() * 1000),
        "fcnt": fcnt,
        "port": port,
        "payload": base64(payload),
    }


def aws_iot(payload: bytes, at: datetime, fcnt: int, port: int) -> tuple[str, dict[str, Any]]:
    lorawan = {"DevEui": DEVICE, "DevAddr": "00aa11bb", "Timestamp": text(at), "FCnt": fcnt, "FPort": port}
    return f"lorawan/aws-iot/{DEVICE}/up", {
        "PayloadData": base64(payload),
        "WirelessMetadata": {"LoRaWAN": lorawan},
    }


every = pytest.mark.parametrize("build", [things_stack, chirpstack, loriot, thingpark, helium, aws_iot])
VACANT, OCCUPIED = b"\x00", b"\x01"


def observed(topic: str, message: dict[str, Any], *, arrived: datetime | None = None) -> BayObservation:
    arrived = arrived or NOON + timedelta(hours=9)
    result: Decoded = decode(topic, json.dumps(message).encode(), received_at=arrived, directory=AllBosch())
    (seen,) = result.observations
    assert isinstance(seen, BayObservation)
    return seen


def identity(seen: BayObservation) -> tuple[str, int, int, int]:
    return (seen.device, seen.session, seen.seq, seen.part)


def event(seen: BayObservation) -> BayEvent:
    assert seen.state is not None
    return BayEvent(
        device=seen.device,
        session=seen.session,
        seq=seen.seq,
        part=seen.part,
        event_at=seen.event_at,
        age_s=seen.age_s,
        state=seen.state,
        kind=seen.kind,
        received_at=seen.seen_at,
        previous_s=seen.previous_s,
    )


def states(seen: list[BayObservation]) -> list[Occupancy]:
    """The bay's states in the order of its timeline."""
    told = canonical(map(event, seen))
    return [placed.event.state for placed in ordered((told | canonical(inferred(told.values()))).values())]


@every
def test_a_copy_has_the_same_identity_whenever_it_arrives(build: Build) -> None:
    topic, message = build(OCCUPIED, NOON, 7, 1)
    copies = [
        observed(topic, message, arrived=NOON + timedelta(seconds=wait)) for wait in (0, 30, 90, 86_400)
    ]
    assert len({identity(seen) for seen in copies}) == 1
    assert all(0 <= seen.part < 1 << 15 for seen in copies)


@every
def test_counter_port_payload_and_session_tell_events_apart(build: Build) -> None:
    variants = [(OCCUPIED, 7, 1), (VACANT, 7, 1), (OCCUPIED, 8, 1), (OCCUPIED, 7, 2), (b"\x01\x12", 7, 2)]
    seen = {identity(observed(*build(payload, NOON, fcnt, port))) for payload, fcnt, port in variants}
    assert len(seen) == len(variants)


@every
def test_a_counter_that_was_reset_makes_new_events(build: Build) -> None:
    """A device activated by personalisation starts again at 0: same address, same payloads, later."""
    told = [(VACANT, 0, 0), (OCCUPIED, 1, 3), (VACANT, 2, 6), (VACANT, 0, 8), (OCCUPIED, 1, 11)]
    seen = [
        observed(*build(payload, NOON + timedelta(minutes=minute), fcnt, 1)) for payload, fcnt, minute in told
    ]
    assert len({identity(one) for one in seen}) == len(told)
    assert states(seen)[-1] is Occupancy.OCCUPIED
    assert states(seen[::-1]) == states(seen) == [one.state for one in seen]


@every
def test_a_reset_is_not_sorted_before_what_was_told_before_it(build: Build) -> None:
    """Where the counter orders events, one with a low counter would be brought forward by up to an hour."""
    told = [(VACANT, 500, 0), (VACANT, 0, 10), (OCCUPIED, 1, 20)]
    seen = [observed(*build(payload, NOON + timedelta(minutes=m), fcnt, 1)) for payload, fcnt, m in told]
    assert states(seen) == [Occupancy.VACANT, Occupancy.VACANT, Occupancy.OCCUPIED]


def test_loriots_two_messages_of_one_uplink_are_one_event() -> None:
    topic, rx = loriot(OCCUPIED, NOON, 7, 1)
    gw = rx | {"cmd": "gw", "seqno": 9, "gws": [{}, {}], "ts": rx["ts"] + 4}
    assert identity(observed(topic, rx)) == identity(observed(topic, gw))


def test_the_servers_own_id_of_a_message_is_no_identity() -> None:
    topic, message = chirpstack(OCCUPIED, NOON, 7, 1)
    again = observed(topic, message | {"deduplicationId": "another"})
    assert identity(again) == identity(observed(topic, message))
    assert identity(observed(*chirpstack(VACANT, NOON, 7, 1))) != identity(again)


def test_a_join_makes_a_new_session() -> None:
    topic, message = chirpstack(OCCUPIED, NOON, 0, 1)
    joined = observed(topic, message | {"devAddr": "00aa11bc"})
    assert joined.session != observed(topic, message).session


def uncounted(payload: bytes, at: datetime) -> BayObservation:
    topic, message = aws_iot(payload, at, 0, 1)
    del message["WirelessMetadata"]["LoRaWAN"]["FCnt"]
    return observed(topic, message)


def test_without_a_counter_the_time_tells_uplinks_apart() -> None:
    told = [(OCCUPIED, 0), (VACANT, 5), (OCCUPIED, 9)]
    seen = [uncounted(payload, NOON + timedelta(seconds=second)) for payload, second in told]
    assert len({identity(one) for one in seen}) == 3
    assert states(seen) == [Occupancy.OCCUPIED, Occupancy.VACANT, Occupancy.OCCUPIED]
    assert identity(uncounted(OCCUPIED, NOON)) == identity(seen[0])


def test_without_the_networks_time_a_late_copy_is_still_a_copy() -> None:
    topic, message = things_stack(OCCUPIED, NOON, 7, 1)
    del message["received_at"]
    now, later = (observed(topic, message, arrived=NOON + timedelta(hours=hours)) for hours in (0, 5))
    assert identity(now) == identity(later)


@given(
    st.lists(
        st.tuples(st.sampled_from([VACANT, OCCUPIED]), st.integers(0, 3), st.integers(61, 4000)),
        min_size=1,
        max_size=12,
    ),
    st.randoms(use_true_random=False),
)
def test_uplinks_a_minute_apart_are_told_in_the_order_of_the_network(
    told: list[tuple[bytes, int, int]], chance: Any
) -> None:
    """Whatever the counter does, and in whatever order and however often the messages come."""
    at, seen = NOON, []
    for payload, fcnt, wait in told:
        at += timedelta(seconds=wait)
        seen.append(observed(*chirpstack(payload, at, fcnt, 1)))
    # The 15 bits of two parts may be alike by chance.
    assume(len({identity(one) for one in seen}) == len(seen))
    shuffled = [*seen, *seen[:3]]
    chance.shuffle(shuffled)
    assert states(shuffled) == [one.state for one in seen]
