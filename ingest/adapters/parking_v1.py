"""Our own frames as readings, however they travelled."""

from collections.abc import Mapping
from typing import Final

from firmware_protocol import codec
from firmware_protocol.frames import AckFrame, Frame, FrameError, FrameType, HealthFrame, State, StateFrame
from ingest.adapters.base import Reading
from parking.errors import Rejection
from parking.model import EventKind, Occupancy

_STATES: Final[Mapping[int, Occupancy]] = {
    State.VACANT: Occupancy.VACANT,
    State.OCCUPIED: Occupancy.OCCUPIED,
    State.UNKNOWN: Occupancy.UNKNOWN,
    State.FAULT: Occupancy.UNKNOWN,
}
_KINDS: Final[Mapping[int, EventKind]] = {
    FrameType.EVENT: EventKind.CHANGE,
    FrameType.HEARTBEAT: EventKind.HEARTBEAT,
    FrameType.BOOT: EventKind.BOOT,
}
# By number, because to look up an enumeration's member in a dict costs ten times as much.
STATES: Final = tuple(_STATES[state] for state in sorted(_STATES))
KINDS: Final = tuple(_KINDS.get(kind, EventKind.HEARTBEAT) for kind in range(max(_KINDS) + 1))
FAULT: Final = State.FAULT


def decode(payload: bytes, fport: int | None) -> tuple[Reading, ...]:
    """The reading of a frame that came over LoRaWAN; it counts for itself, so copies are recognised.

    The answer to a command says nothing of the bay: it gives no reading.
    """
    try:
        frame = codec.decode(payload)
    except FrameError as error:
        raise Rejection(error.code, error.detail) from None
    if isinstance(frame, AckFrame):
        return ()
    if isinstance(frame, HealthFrame):
        return (
            Reading(
                state=None,
                kind=EventKind.HEARTBEAT,
                session=frame.boot,
                battery_v=frame.battery_v,
                battery_low=frame.battery_low or None,
                temperature_c=frame.temperature_c,
                firmware=frame.firmware,
                reset_cause=reset_cause(frame),
                heartbeat_s=frame.heartbeat_s,
                health=health(frame),
            ),
        )
    return (
        Reading(
            state=STATES[frame.state],
            kind=KINDS[frame.type],
            fault=frame.state is FAULT,
            age_s=frame.age_s,
            previous_s=frame.previous_s,
            battery_v=frame.battery_v,
            battery_low=frame.battery_low or None,
            temperature_c=frame.temperature_c,
            firmware=frame.firmware,
            reset_cause=reset_cause(frame),
            heartbeat_s=frame.heartbeat_s,
            health=health(frame),
            session=frame.boot,
            seq=frame.seq,
        ),
    )


def reset_cause(frame: Frame) -> str | None:
    """Why the device started, in lower case."""
    cause = frame.reset_cause
    return None if cause is None else cause.name.lower()


def health(frame: StateFrame | HealthFrame) -> str | None:
    """What the device says of itself besides: while it calibrates, its detector is still learning the bay."""
    return "calibrating" if frame.calibrating else None
