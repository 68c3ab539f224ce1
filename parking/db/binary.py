"""PostgreSQL's binary formats straight from numpy columns, without a Python object for each value.

Formats: PostgreSQL documentation, "COPY: Binary Format", and `array_send` of the server's source. All numbers
are big-endian; a value is its length in bytes (int32) and the bytes; a time is microseconds since 2000-01-01.
"""

import struct
from collections.abc import Iterable
from typing import Any

import numpy as np
from psycopg import adapters, pq
from psycopg.abc import AdaptContext
from psycopg.adapt import Dumper

from parking.columns import Bools, Floats, Ints

PG_EPOCH_US = 946_684_800_000_000
"""2000-01-01 in microseconds since 1970."""
COPY_HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
COPY_TRAILER = b"\xff\xff"
NULL = b"\xff\xff\xff\xff"
NEVER_US = int(np.iinfo(np.int64).min)
"""How PostgreSQL writes the time -infinity."""
_ARRAY_COUNT_AT, _ARRAY_HEAD = 12, 20


class Column:
    """An array parameter, already in binary. Each type of element is a subclass with the array's oid."""

    oid = 0
    element_oid = 0
    __slots__ = ("data",)

    def __init__(self, count: int, elements: bytes) -> None:
        head = struct.pack(">iiI", 1 if count else 0, 0, self.element_oid)
        self.data = head + (struct.pack(">ii", count, 1) if count else b"") + elements


class TextColumn(Column):
    """text[]"""

    oid, element_oid = 1009, 25


class Int8Column(Column):
    """bigint[]"""

    oid, element_oid = 1016, 20


class TimeColumn(Column):
    """timestamptz[]"""

    oid, element_oid = 1185, 1184


class BoolColumn(Column):
    """boolean[]"""

    oid, element_oid = 1000, 16


class Float4Column(Column):
    """real[]"""

    oid, element_oid = 1021, 700


class _ColumnDumper(Dumper):
    format = pq.Format.BINARY

    def dump(self, obj: Column) -> bytes:
        return obj.data


def _dumper(kind: type[Column]) -> type[Dumper]:
    return type(f"{kind.__name__}Dumper", (_ColumnDumper,), {"oid": kind.oid})


def register(context: AdaptContext | None = None) -> None:
    """Let psycopg take columns as parameters."""
    known = context.adapters if context else adapters
    for kind in (TextColumn, Int8Column, TimeColumn, BoolColumn, Float4Column):
        known.register_dumper(kind, _dumper(kind))


def text_value(text: str) -> bytes:
    """One text as a field."""
    data = text.encode()
    return struct.pack(">i", len(data)) + data


def text_column(values: Iterable[bytes]) -> TextColumn:
    """Texts that are encoded already, by `text_value`."""
    values = list(values)
    return TextColumn(len(values), b"".join(values))


def int8_column(values: Ints) -> Int8Column:
    """Whole numbers."""
    return Int8Column(len(values), _sized(values, ">i8"))


def time_column(values_us: Ints) -> TimeColumn:
    """Times in microseconds since 1970."""
    return TimeColumn(len(values_us), _sized(values_us - PG_EPOCH_US, ">i8"))


def bool_column(values: Bools) -> BoolColumn:
    """Truth values."""
    return BoolColumn(len(values), _sized(values, "u1"))


def float4_column(values: Floats) -> Float4Column:
    """Single-precision numbers; NaN stays NaN."""
    return Float4Column(len(values), _sized(values, ">f4"))


def _sized(values: Any, kind: str) -> bytes:
    """Each value with its length before it."""
    out = np.empty(len(values), dtype=[("size", ">i4"), ("value", kind)])
    out["size"] = out.dtype["value"].itemsize
    out["value"] = values
    return out.tobytes()


def array_values(data: bytes | None, kind: str) -> Any:
    """The elements, of this numpy type in network order, of an array without nulls; none of no array."""
    if data is None:
        return np.empty(0, dtype=np.dtype(kind).newbyteorder("="))
    (count,) = struct.unpack_from(">i", data, _ARRAY_COUNT_AT)
    pairs = np.dtype([("size", ">i4"), ("value", kind)])
    values = np.frombuffer(data, dtype=pairs, count=count, offset=_ARRAY_HEAD)["value"]
    return values.astype(np.dtype(kind).newbyteorder("="))


def times_us(data: bytes | None) -> Ints:
    """The times of an array in microseconds since 1970, NEVER_US for -infinity."""
    values: Ints = array_values(data, ">i8")
    values[values != NEVER_US] += PG_EPOCH_US
    return values


def fixed_fields(columns: Iterable[tuple[Any, str]]) -> tuple[bytes, int]:
    """Rows of several fixed-size fields, each (values, numpy type); the bytes and the size of a row.

    Raises OverflowError for a number that does not fit its field.
    """
    columns = list(columns)
    dtype = np.dtype(
        [part for i, (_, kind) in enumerate(columns) for part in ((f"s{i}", ">i4"), (f"v{i}", kind))]
    )
    out = np.empty(len(columns[0][0]), dtype=dtype)
    for i, (values, kind) in enumerate(columns):
        _check_range(values, np.dtype(kind))
        out[f"s{i}"] = np.dtype(kind).itemsize
        out[f"v{i}"] = values
    return out.tobytes(), dtype.itemsize


def _check_range(values: Any, kind: Any) -> None:
    """numpy would wrap a number that does not fit; the database would have refused it."""
    if kind.kind != "i" or not len(values):
        return
    limits = np.iinfo(kind)
    if values.min() < limits.min or values.max() > limits.max:
        raise OverflowError(f"a number outside {limits.min}..{limits.max}")


def field_count(count: int) -> bytes:
    """What begins each row of a binary COPY."""
    return struct.pack(">h", count)


register()
