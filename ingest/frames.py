"""The quick way in for our own frames: many messages to columns, without an object for each.

It takes only what is plainly good: a state frame without optional values, or a bundle of such, of registered
devices, on their own site's topic. It passes over everything else, which then goes through `ingest.decode`;
what both take, both read alike (`tests/unit/ingest/test_frames.py`).
"""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from firmware_protocol.frames import FrameType, State
from firmware_protocol.layout import (
    BATTERY_BASE_MV,
    BATTERY_STEP_MV,
    BATTERY_UNKNOWN,
    BUNDLE_HEADER_SIZE,
    DURATION_MINUTES,
    FLAG_PREVIOUS_KNOWN,
    STATE_FIELDS,
    STATE_MASK,
    STATE_SIZE,
    TEMPERATURE_UNKNOWN,
    VERSION,
    unpack_duration,
)  # fmt: skip
from ingest.source import Message
from parking.columns import KIND_CODES, NOTHING, OCCUPIED, UNKNOWN, VACANT, Ints, Observations
from parking.model import EventKind

_FRAME = np.dtype(
    {
        "names": [field.name for field in STATE_FIELDS],
        "formats": [">" + {"B": "u1", "b": "i1", "H": "u2"}[field.format] for field in STATE_FIELDS],
        "offsets": [field.offset for field in STATE_FIELDS],
        "itemsize": STATE_SIZE,
    }
)
_KIND_OF_TYPE = {
    FrameType.EVENT: EventKind.CHANGE,
    FrameType.HEARTBEAT: EventKind.HEARTBEAT,
    FrameType.BOOT: EventKind.BOOT,
}
_KIND_OF_HEAD = {VERSION << 4 | kind: KIND_CODES[known] for kind, known in _KIND_OF_TYPE.items()}
_BUNDLE_HEAD = VERSION << 4 | FrameType.BUNDLE
_KINDS = np.array([_KIND_OF_HEAD.get(head, NOTHING) for head in range(256)], dtype=np.int64)
_CODES = {State.VACANT: VACANT, State.OCCUPIED: OCCUPIED, State.UNKNOWN: UNKNOWN, State.FAULT: UNKNOWN}
_STATES = np.array([_CODES[State(state)] for state in range(STATE_MASK + 1)], dtype=np.int64)
_SECOND = 1_000_000
_BAY_UPLINK = ["parking", "v1", "bay", "up"]
"""The levels of a sensor's topic but for site and device."""


class FrameReader:
    """Knows which topics and device ids are registered, and as which slots."""

    def __init__(self, slots: Mapping[str, Mapping[str, int]], *, late_s: float = math.inf) -> None:
        """`slots` are the slots of each site's devices that send our own frames, by site and device.

        A bundle with an entry that its gateway held for longer than `late_s` is passed over, to be judged.
        """
        self._late_s = late_s
        self._sites = slots

    def read(self, messages: Sequence[Message]) -> tuple[Observations, list[Message]]:
        """The observations of those messages that it takes, in their order, and the other messages."""
        rest: list[Message] = []
        slots: list[int] = []
        frames: list[bytes] = []
        received: list[int] = []
        delays: list[int] = []
        sites, heads = self._sites, _KIND_OF_HEAD
        for message in messages:
            payload = message.payload
            if len(payload) == STATE_SIZE and payload[0] in heads and not message.retained:
                # A table of whole topics would be quicker by a third of a microsecond, and 14 MB larger.
                level = message.topic.split("/")
                devices = sites.get(level[2]) if len(level) == 6 else None
                slot = devices.get(level[4]) if devices else None
                if slot is not None and [level[0], level[1], level[3], level[5]] == _BAY_UPLINK:
                    slots.append(slot)
                    frames.append(payload)
                    received.append(message.received_us)
                    delays.append(0)
                    continue
            if not self._bundle(message, slots, frames, received, delays):
                rest.append(message)
        return _columns(slots, frames, received, delays), rest

    def _bundle(
        self, message: Message, slots: list[int], frames: list[bytes], received: list[int], delays: list[int]
    ) -> bool:
        """Take a bundle whole, or not at all."""
        data = message.payload
        if len(data) < BUNDLE_HEADER_SIZE or data[0] != _BUNDLE_HEAD or message.retained:
            return False
        level = message.topic.split("/")
        devices = self._sites.get(level[2]) if len(level) == 6 and level[3] == "gateway" else None
        if devices is None or level[0] != "parking" or level[1] != "v1" or level[5] != "up":
            return False
        taken, at = len(slots), BUNDLE_HEADER_SIZE
        try:
            for _ in range(data[2] << 8 | data[3]):
                name = at + 1 + data[at]
                slot = devices[data[at + 1 : name].decode()]
                at = name + 3 + STATE_SIZE
                if data[name + 2] != STATE_SIZE or data[name + 3] not in _KIND_OF_HEAD or at > len(data):
                    raise KeyError
                delay = data[name] << 8 | data[name + 1]
                if unpack_duration(delay) > self._late_s:
                    raise KeyError
                slots.append(slot)
                frames.append(data[name + 3 : at])
                delays.append(delay)
            if at != len(data):
                raise KeyError
        except (KeyError, IndexError, UnicodeDecodeError):
            del slots[taken:], frames[taken:], delays[taken:]
            return False
        received += [message.received_us] * (len(slots) - taken)
        return True


def _columns(slots: list[int], frames: list[bytes], received: list[int], delays: list[int]) -> Observations:
    frame = np.frombuffer(b"".join(frames), dtype=_FRAME)
    received_us = np.array(received, dtype=np.int64)
    seen_us = received_us - _seconds(np.array(delays, dtype=np.int64)) * _SECOND
    age_s = _seconds(frame["age"].astype(np.int64))
    known = (frame["flags"] & FLAG_PREVIOUS_KNOWN) != 0
    status = frame["flags"] & STATE_MASK
    battery = (BATTERY_BASE_MV + BATTERY_STEP_MV * frame["battery"].astype(np.float64)) / 1000
    return Observations(
        bay=np.array(slots, dtype=np.int64),
        session=frame["boot"].astype(np.int64),
        seq=frame["seq"].astype(np.int64),
        part=np.zeros(len(slots), dtype=np.int64),
        event_us=seen_us - age_s * _SECOND,
        seen_us=seen_us,
        received_us=received_us,
        age_s=age_s,
        previous_s=np.where(known, _seconds(frame["previous"].astype(np.int64)), NOTHING),
        state=_STATES[status],
        kind=_KINDS[frame["head"]],
        fault=status == State.FAULT,
        battery_v=np.where(frame["battery"] == BATTERY_UNKNOWN, np.nan, battery).astype(np.float32),
        temperature_c=np.where(
            frame["temperature"] == TEMPERATURE_UNKNOWN, np.nan, frame["temperature"]
        ).astype(np.float32),
    )


def _seconds(durations: Ints) -> Ints:
    """Durations of 16 bits in seconds: see `firmware_protocol.layout.unpack_duration`."""
    minutes = (durations & (DURATION_MINUTES - 1)) * 60
    return np.where(durations & DURATION_MINUTES, minutes, durations)
