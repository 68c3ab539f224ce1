"""A conformant device, message by message, and what may be done to its messages to break one clause."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from random import Random

from firmware_protocol.codec import encode
from firmware_protocol.commands import Command, Operation, encode_command
from firmware_protocol.conformance.notes import Heard
from firmware_protocol.frames import (
    AckFrame,
    Frame,
    FrameType,
    HealthFrame,
    Outcome,
    ResetCause,
    State,
    StateFrame,
    Tlv,
    telemetry,
)
from firmware_protocol.sealed import seal
from parking.device_keys import cmac

START = 1_750_000_000.0
HEARTBEAT_S = 60
SECRET = bytes(range(16))
UP, DOWN = "parking/v1/a/bay/ps-1/up", "parking/v1/a/bay/ps-1/down"
HEALTHY = telemetry(firmware="1.0", uptime_s=900, rssi_dbm=-90, frames_sent=20, frames_failed=0)
DECIDED_S = 2.2
"""A change is told so much after its first sample."""
CONFIGURED = telemetry(heartbeat_s=HEARTBEAT_S, debounce_ms=2000)


@dataclass(frozen=True, slots=True)
class Message:
    """One message, still open to be changed: a frame to be encoded, or bytes."""

    at: float
    frame: Frame | None = None
    data: bytes = b""
    topic: str = UP
    qos: int = 1
    retained: bool = False
    expiry_property: str | None = "604800"

    @property
    def payload(self) -> bytes:
        return encode(self.frame) if self.frame is not None else self.data

    @property
    def state(self) -> StateFrame:
        assert isinstance(self.frame, StateFrame)
        return self.frame

    def is_state(self, *types: FrameType) -> bool:
        return isinstance(self.frame, StateFrame) and self.frame.type in types

    def heard(self, number: int) -> Heard:
        return Heard(
            number=number,
            payload=self.payload,
            topic=self.topic,
            at=START + self.at,
            qos=self.qos,
            retained=self.retained,
            five=True,
            expiry_s=604_800 if self.expiry_property else None,
            expiry_property=self.expiry_property,
        )


Life = list[Message]


def lived(
    boot: int, start: float, end: float, changes: list[float], cause: ResetCause, chance: Random
) -> Life:
    """A boot frame, an event 2.2 s after each change, and heartbeats."""
    tlvs = telemetry(firmware="1.0", reset_cause=cause, heartbeat_s=HEARTBEAT_S)
    life = [_said(FrameType.BOOT, boot, start + 5, start, changes, tlvs)]
    life += [_said(FrameType.EVENT, boot, change + DECIDED_S, start, changes) for change in changes]
    at = start + 5
    while (at := at + HEARTBEAT_S * chance.uniform(0.9, 1.1)) < end:
        life.append(_said(FrameType.HEARTBEAT, boot, at, start, changes))
    return life


def _said(
    kind: FrameType,
    boot: int,
    at: float,
    start: float,
    changes: list[float],
    tlvs: tuple[Tlv, ...] = (),
) -> Message:
    """What is said at a time: of the latest change that has been decided by then."""
    decided = [start, *(change for change in changes if change + DECIDED_S <= at)]
    seq, since = len(decided) - 1, decided[-1]
    frame = StateFrame(
        type=kind,
        state=State(seq % 2),
        boot=boot,
        seq=seq,
        age_s=int(at - since),
        previous_s=int(since - decided[-2]) if seq else None,
        battery_v=3.6,
        tlvs=tlvs,
    )
    return Message(at, frame)


def good_life() -> Life:
    """Two starts, some vehicles, a health frame, and a command of each kind, all as the SPEC wants it."""
    chance = Random(7)
    life = [
        *lived(7, 0, 1500, [200, 500, 1000], ResetCause.POWER_ON, chance),
        *lived(8, 1502, 2500, [1800, 2100], ResetCause.SOFTWARE, chance),
        Message(900, HealthFrame(boot=7, battery_v=3.6, tlvs=HEALTHY)),
        *asked(1100, 11, Operation.STATUS, tlvs=(), between=[HealthFrame(boot=7, tlvs=HEALTHY)]),
        *asked(1200, 12, Operation.CONFIGURE, tlvs=CONFIGURED, says=CONFIGURED),
        *asked(1250, 12, Operation.CONFIGURE, tlvs=CONFIGURED, says=CONFIGURED),
        *asked(1300, 13, 99, outcome=Outcome.UNSUPPORTED),
        *asked(1498, 14, Operation.REBOOT),
    ]
    return ordered(life)


def asked(
    at: float,
    number: int,
    operation: int,
    *,
    tlvs: tuple[Tlv, ...] = (),
    outcome: int = Outcome.DONE,
    says: tuple[Tlv, ...] = (),
    between: list[Frame] | None = None,
    boot: int = 7,
) -> Life:
    """A command and its answer half a second later."""
    command = encode_command(Command(id=number, operation=operation, tlvs=tlvs))
    return [
        Message(at, data=command, topic=DOWN),
        *(Message(at + 0.3, frame) for frame in between or []),
        Message(at + 0.5, AckFrame(boot=boot, command=number, outcome=outcome, tlvs=says)),
    ]


def ordered(life: Life) -> Life:
    return sorted(life, key=lambda message: message.at)


def sealed_life() -> Life:
    """The first few frames, sealed."""
    return [sealed(message, counter) for counter, message in enumerate(states(good_life())[:12], 1)]


def sealed(message: Message, counter: int, *, secret: bytes = SECRET) -> Message:
    data = seal(message.payload, device="ps-1", key=1, counter=counter, mac=partial(cmac, secret))
    return replace(message, frame=None, data=data)


def states(life: Life) -> Life:
    return [message for message in life if isinstance(message.frame, StateFrame)]


# --- what can be done to a life


def is_state(message: Message) -> bool:
    return isinstance(message.frame, StateFrame)


def beats(message: Message) -> bool:
    return message.is_state(FrameType.HEARTBEAT)


def events(message: Message) -> bool:
    return message.is_state(FrameType.EVENT)


def boots(message: Message) -> bool:
    return message.is_state(FrameType.BOOT)


def of_boot(boot: int) -> Callable[[Message], bool]:
    return lambda message: is_state(message) and message.state.boot == boot


def acks(message: Message) -> bool:
    return isinstance(message.frame, AckFrame)


def add(*more: Message) -> Life:
    return ordered([*good_life(), *more])


def add_bytes(data: str | bytes, *, topic: str = UP) -> Life:
    """A message of these bytes (or hex digits) besides all the good ones."""
    return add(Message(700, data=bytes.fromhex(data) if isinstance(data, str) else data, topic=topic))


def change(what: Callable[[Message], Message], *, only: Callable[[Message], bool] | None = None) -> Life:
    """What goes up is changed, or `only` some of it."""
    wanted = only or (lambda message: message.topic == UP)
    return [what(message) if wanted(message) else message for message in good_life()]


def drop(which: Callable[[Message], bool]) -> Life:
    return [message for message in good_life() if not which(message)]


def restate(message: Message, **fields: object) -> Message:
    """With other fields of its state frame; messages of other kinds stay."""
    if not isinstance(message.frame, StateFrame):
        return message
    return replace(message, frame=replace(message.frame, **fields))  # type: ignore[arg-type]


def with_byte(message: Message, at: int, value: Callable[[int], int]) -> Message:
    """With another byte on the wire."""
    data = bytearray(message.payload)
    data[at] = value(data[at])
    return replace(message, frame=None, data=bytes(data))
