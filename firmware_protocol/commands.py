"""Commands to a sensor, as frozen values and as bytes; its answer is an AckFrame of the codec."""

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from firmware_protocol.codec import check_head, check_size
from firmware_protocol.frames import FrameError, FrameType, Outcome, Telemetry, Tlv, TlvType
from firmware_protocol.layout import COMMAND_SIZE, COMMAND_STRUCT, MAX_FRAME_SIZE, VERSION
from firmware_protocol.tlvs import decode_tlvs, encode_tlvs, within

LEAST_HEARTBEAT_S: Final = 10
LEAST_DEBOUNCE_MS: Final = 2000
"""SPEC [Q-3]: two transitions are at least 2 s apart."""
MOST_DEBOUNCE_MS: Final = 60_000
_HEAD: Final = VERSION << 4 | FrameType.COMMAND


class Operation(IntEnum):
    """What a device is to do."""

    CONFIGURE = 1
    STATUS = 2
    RECALIBRATE = 3
    REBOOT = 4
    TIME = 5


ARGUMENTS: Final = {
    Operation.CONFIGURE: frozenset({TlvType.HEARTBEAT, TlvType.DEBOUNCE}),
    Operation.TIME: frozenset({TlvType.TIME}),
}
"""Which optional values an operation takes; the others take none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Command(Telemetry):
    """One command. `operation` is an Operation, or a later version's; `tlvs` are its arguments."""

    id: int
    operation: int
    tlvs: tuple[Tlv, ...] = ()

    def check(self) -> Outcome:
        """What a device of this version answers before it does anything: DONE says that it may go on."""
        if self.operation not in Operation._value2member_map_:
            return Outcome.UNSUPPORTED
        taken = ARGUMENTS.get(Operation(self.operation), frozenset())
        if any(tlv.type not in taken for tlv in self.tlvs):
            return Outcome.UNSUPPORTED
        if self.id == 0 or not self._arguments_fit():
            return Outcome.INVALID
        return Outcome.DONE

    def _arguments_fit(self) -> bool:
        if self.operation == Operation.TIME:
            return len(self.tlvs) == 1 and self.time_s is not None
        if self.operation != Operation.CONFIGURE:
            return True
        kinds = [tlv.type for tlv in self.tlvs]
        beat, debounce = self.heartbeat_s, self.debounce_ms
        formed = (beat is not None) + (debounce is not None) == len(kinds) == len(set(kinds)) > 0
        return (
            formed
            and (beat is None or beat >= LEAST_HEARTBEAT_S)
            and (debounce is None or LEAST_DEBOUNCE_MS <= debounce <= MOST_DEBOUNCE_MS)
        )


def is_command(data: bytes) -> bool:
    """Whether the first byte announces a command of this version."""
    return data[:1] == bytes((_HEAD,))


def decode_command(data: bytes) -> Command:
    """A command from its bytes; raises FrameError, never anything else."""
    head = check_head(data)
    if head != _HEAD:
        raise FrameError("bad_type", f"type {head & 15} is not a command")
    check_size(len(data), COMMAND_SIZE)
    _, _, number, operation = COMMAND_STRUCT.unpack_from(data)
    return Command(id=number, operation=operation, tlvs=decode_tlvs(data, COMMAND_SIZE))


def encode_command(command: Command) -> bytes:
    """The bytes of a command; raises FrameError if a field does not fit."""
    number = within(command.id, 0xFFFF_FFFF, "id")
    fixed = COMMAND_STRUCT.pack(_HEAD, 0, number, within(command.operation, 0xFF, "operation"))
    data = fixed + encode_tlvs(command.tlvs)
    if len(data) > MAX_FRAME_SIZE:
        raise FrameError("too_long", f"{len(data)} bytes, at most {MAX_FRAME_SIZE}")
    return data
