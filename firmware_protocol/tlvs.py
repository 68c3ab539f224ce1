"""Optional values behind a frame, read and written; every form of frame shares them."""

from firmware_protocol.frames import FrameError, Tlv
from firmware_protocol.layout import MAX_TLV_VALUE_SIZE


def decode_tlvs(data: bytes, at: int) -> tuple[Tlv, ...]:
    """The values from byte `at` to the last one; raises FrameError if one ends behind it."""
    tlvs: list[Tlv] = []
    size = len(data)
    while at < size:
        end = at + 2 + data[at + 1] if at + 1 < size else size + 1
        if end > size:
            raise FrameError("bad_tlv", f"the value at byte {at} ends behind the last byte")
        tlvs.append(Tlv(data[at], data[at + 2 : end]))
        at = end
    return tuple(tlvs)


def encode_tlvs(tlvs: tuple[Tlv, ...]) -> bytes:
    """The bytes of these values; raises FrameError if one does not fit."""
    for tlv in tlvs:
        within(tlv.type, 0xFF, "tlv type")
        if len(tlv.value) > MAX_TLV_VALUE_SIZE:
            raise FrameError("too_long", f"a value of {len(tlv.value)} bytes, at most {MAX_TLV_VALUE_SIZE}")
    return b"".join([bytes((tlv.type, len(tlv.value))) + tlv.value for tlv in tlvs])


def within(value: int, most: int, name: str) -> int:
    """The value itself if it is 0 to `most`; else raises FrameError that names it."""
    if not 0 <= value <= most:
        raise FrameError("bad_value", f"{name} is {value}, 0 to {most} fit")
    return value
