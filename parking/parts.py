"""A stable way to divide named things into equal parts, the same in every process and for ever."""

from zlib import crc32

_SPREAD = 0x9E37_79B1
"""Golden ratio times 2^32 (Knuth, TAOCP vol. 3, 6.4): spreads names that differ little."""


def part_of(name: str, count: int) -> int:
    """The part, from 0, of `count` parts that a name belongs to."""
    mixed = crc32(name.encode("utf-8", "replace")) * _SPREAD & 0xFFFF_FFFF
    return mixed * count >> 32
