"""The framing of sealed frames: what the MAC covers and where it lies. The MAC itself is made elsewhere."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from firmware_protocol.codec import check_head, check_size, is_bundle
from firmware_protocol.frames import FrameError, FrameType
from firmware_protocol.layout import MAC_SIZE, MAX_FRAME_SIZE, SEALED_HEADER_SIZE, SEALED_STRUCT, VERSION
from firmware_protocol.tlvs import within

OVERHEAD: Final = SEALED_HEADER_SIZE + MAC_SIZE
SEALED_HEAD: Final = VERSION << 4 | FrameType.SEALED


class Direction(IntEnum):
    """Which way a sealed frame goes; it is authenticated, so that none can be sent back."""

    UP = 0
    DOWN = 1


@dataclass(frozen=True, slots=True)
class Sealed:
    """A sealed frame in its parts, not verified: `signed` is all but the MAC, `body` the frame inside."""

    key: int
    counter: int
    body: bytes
    mac: bytes
    signed: bytes


def is_sealed(data: bytes) -> bool:
    """Whether the first byte announces a sealed frame of this version."""
    return data[:1] == bytes((SEALED_HEAD,))


def split(data: bytes) -> Sealed:
    """The parts of a sealed frame; raises FrameError, never anything else. Nothing is verified."""
    head = check_head(data)
    if head != SEALED_HEAD:
        raise FrameError("bad_type", f"type {head & 15} is not a sealed frame")
    check_size(len(data), OVERHEAD)
    _, key, counter = SEALED_STRUCT.unpack_from(data)
    return Sealed(
        key=key,
        counter=counter,
        body=data[SEALED_HEADER_SIZE:-MAC_SIZE],
        mac=data[-MAC_SIZE:],
        signed=data[:-MAC_SIZE],
    )


def mac_input(device: str, direction: Direction, signed: bytes) -> bytes:
    """What the MAC covers: the device id with its length, the direction, and the frame up to the MAC."""
    name = device.encode()
    return bytes((within(len(name), 0xFF, "length of the device id"),)) + name + bytes((direction,)) + signed


def seal(
    body: bytes,
    *,
    device: str,
    key: int,
    counter: int,
    mac: Callable[[bytes], bytes],
    direction: Direction = Direction.UP,
) -> bytes:
    """The sealed frame around `body`; `mac` is AES-CMAC under the key with the number `key`, in full.

    Raises FrameError if a field does not fit, or the body is empty, a bundle or sealed itself.
    """
    if not body or is_sealed(body) or is_bundle(body):
        raise FrameError("bad_type", "no bytes, a bundle or a sealed frame cannot be sealed")
    header = SEALED_STRUCT.pack(
        SEALED_HEAD, within(key, 0xFF, "key"), within(counter, 0xFFFF_FFFF, "counter")
    )
    signed = header + body
    if len(signed) + MAC_SIZE > MAX_FRAME_SIZE:
        raise FrameError("too_long", f"{len(signed) + MAC_SIZE} bytes, at most {MAX_FRAME_SIZE}")
    return signed + mac(mac_input(device, direction, signed))[:MAC_SIZE]
