"""A town and what its devices say: a mix of messages without end, each with what it must become."""

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from typing import Any, Final, NamedTuple

from firmware_protocol import codec, topics
from firmware_protocol.frames import Bundle, BundleEntry, FrameType, State, StateFrame
from parking.registry import Registry, parse_registry

STREETS: Final = 8
OWN, BEHIND_GATEWAY, LORAWAN = 40, 20, 5
"""Bays of each street by how their sensors speak."""
BUNDLE_OF: Final = 10
INSIDE_AT_START: Final = 1000
_BOOT: Final = 1
_EUI_PREFIX: Final = "70b3d57ed"
_SESSION_KEY: Final = "a-session-of-this-test"
_STATES: Final = ("vacant", "occupied")


class Identity(NamedTuple):
    """What makes two copies the same event."""

    device: str
    session: int
    seq: int
    part: int = 0


def identity(device: str, session: int, seq: int, part: int) -> Identity:
    """The identity of a stored event. Of an uplink the device and its frame counter tell it here."""
    return (
        Identity(device, 0, seq) if device.startswith(_EUI_PREFIX) else Identity(device, session, seq, part)
    )


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message, and what it must become: events with their states, a passage, or else one rejection."""

    topic: str
    payload: bytes
    events: tuple[tuple[Identity, str], ...] = ()
    passage: tuple[str, str] | None = None
    rejected_as: str | None = None


def town() -> Registry:
    """Streets of bays with sensors of our own, some behind a gateway, some on LoRaWAN; and a car park."""
    streets = [
        {
            "id": f"street-{s}",
            "name": f"Street {s}",
            "kind": "on_street",
            "counting": "bays",
            "bays": [{"id": f"bay-{s}-{b}", "sensor": _sensor(s, b)} for b in range(_per_street())],
        }
        for s in range(STREETS)
    ]
    park = {
        "id": "castle-mews",
        "name": "Castle Mews",
        "kind": "off_street",
        "counting": "gates",
        "capacity": 100_000,
        "initial_count": INSIDE_AT_START,
        # Its vehicles come hundreds a second with much the same plates, each once.
        "gates": [
            {"camera": "cm-in", "direction": "in", "repeat_s": 0},
            {"camera": "cm-out", "direction": "out", "repeat_s": 0},
        ],
    }
    return parse_registry({"sites": [*streets, park]}, source="the town of a test")


def messages(*, seed: int = 1) -> Iterator[Outgoing]:
    """Of a hundred messages 88 are frames, 4 bundles, 4 LoRaWAN uplinks, 2 passages, and 2 malformed.

    A message tells of the moment at which it is asked for.
    """
    chance = random.Random(seed)
    sequences: dict[str, Iterator[int]] = {}

    def turn(device: str) -> int:
        return next(sequences.setdefault(device, count(1)))

    kinds = [_frame] * 88 + [_bundle] * 4 + [_uplink] * 4 + [_passage] * 2 + [_malformed] * 2
    for number in count():
        if number % len(kinds) == 0:
            chance.shuffle(kinds)
        yield kinds[number % len(kinds)](chance, turn)


def _per_street() -> int:
    return OWN + BEHIND_GATEWAY + LORAWAN


def _sensor(street: int, bay: int) -> dict[str, Any]:
    if bay < OWN + BEHIND_GATEWAY:
        return {"id": f"sensor-{street}-{bay}", "codec": "parking-v1", "heartbeat_s": 86400}
    return {"id": _eui(street, bay), "codec": "bosch-tps110", "heartbeat_s": 86400}


def _eui(street: int, bay: int) -> str:
    return f"{_EUI_PREFIX}{street:03x}{bay:04x}"


def _event(device: str, seq: int) -> tuple[Identity, str]:
    return identity(device, _BOOT, seq, 0), _STATES[seq % 2]


def _encoded(seq: int) -> StateFrame:
    return StateFrame(type=FrameType.EVENT, state=State(seq % 2), boot=_BOOT, seq=seq, age_s=0)


def _frame(chance: random.Random, turn: Any) -> Outgoing:
    street, bay = chance.randrange(STREETS), chance.randrange(OWN)
    device = f"sensor-{street}-{bay}"
    seq = turn(device)
    topic = topics.bay_up(f"street-{street}", device)
    return Outgoing(topic, codec.encode(_encoded(seq)), (_event(device, seq),))


def _bundle(chance: random.Random, turn: Any) -> Outgoing:
    street = chance.randrange(STREETS)
    devices = [f"sensor-{street}-{OWN + bay}" for bay in chance.sample(range(BEHIND_GATEWAY), BUNDLE_OF)]
    told = [(device, turn(device)) for device in devices]
    bundle = Bundle(tuple(BundleEntry(device, 0, _encoded(seq)) for device, seq in told))
    return Outgoing(
        topics.gateway_up(f"street-{street}", f"gateway-{street}"),
        codec.encode_bundle(bundle),
        tuple(_event(device, seq) for device, seq in told),
    )


def _uplink(chance: random.Random, turn: Any) -> Outgoing:
    """The Things Stack's envelope of a TPS110; its time is the network's."""
    device = _eui(chance.randrange(STREETS), OWN + BEHIND_GATEWAY + chance.randrange(LORAWAN))
    seq = turn(device)
    uplink = {
        "end_device_ids": {"device_id": f"tps-{device}", "dev_eui": device.upper()},
        "received_at": datetime.now(UTC).isoformat(),
        "uplink_message": {
            "session_key_id": _SESSION_KEY,
            "f_port": 1,
            "f_cnt": seq,
            "frm_payload": "AQ==" if seq % 2 else "AA==",
        },
    }
    return Outgoing(
        f"v3/app@council/devices/tps-{device}/up",
        json.dumps(uplink).encode(),
        (_event(device, seq),),
    )


def _passage(chance: random.Random, turn: Any) -> Outgoing:
    camera = chance.choice(("cm-in", "cm-out"))
    event_id = f"{turn(camera)}.5-abc"
    read = {
        "type": "lpr",
        "id": event_id,
        "camera": camera,
        "plate": f"AB{chance.randrange(10, 100)}XYZ",
        "score": 0.9,
        "timestamp": datetime.now(UTC).timestamp(),
    }
    topic = topics.anpr_read("castle-mews", camera)
    return Outgoing(topic, json.dumps(read).encode(), passage=(camera, event_id))


def _malformed(chance: random.Random, turn: Any) -> Outgoing:
    """Each on a topic that no other message has, by which its record is found."""
    name = f"malformed-{turn('malformed')}"
    own = topics.bay_up("street-0", name)
    frame = codec.encode(_encoded(1))
    return chance.choice(
        (
            Outgoing(own, frame, rejected_as="unknown_device"),
            Outgoing(own, frame[:7], rejected_as="truncated"),
            Outgoing(f"v3/app@council/devices/{name}/up", b'{"end_device_ids"', rejected_as="invalid_json"),
        )
    )
