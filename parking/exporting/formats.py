"""Rows, some thousands at a time, as the bytes of a file, a piece at a time.

JSON lines and CSV are made as they go. XLSX and Parquet are made in a temporary file first: an XLSX is a zip
whose parts are written one after the other, and a Parquet file has its index at the end. Both keep only the
rows at hand in memory.
"""

import json
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from tempfile import TemporaryFile
from typing import IO, Any

from parking.db.exports import Column
from parking.errors import InputError
from parking.reporting.table import csv_lines, safe_text

PIECE = 1 << 16
XLSX_ROWS = 1_048_575
"""Rows of a worksheet below its head."""


class Format(StrEnum):
    """What an export can be."""

    JSONL = "jsonl"
    CSV = "csv"
    XLSX = "xlsx"
    PARQUET = "parquet"


MEDIA_TYPES = {
    Format.JSONL: "application/jsonl",
    Format.CSV: "text/csv; charset=utf-8",
    Format.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    Format.PARQUET: "application/vnd.apache.parquet",
}

Rows = Sequence[tuple[Any, ...]]


class Writer(ABC):
    """Takes rows and gives bytes: `head`, then `add` for each lot of rows, then `end`."""

    def __init__(self, columns: Sequence[Column]) -> None:
        self.columns = columns
        self.names = [column.name for column in columns]

    def head(self) -> bytes:
        """What comes before the first row."""
        return b""

    @abstractmethod
    def add(self, rows: Rows) -> bytes:
        """These rows; empty if they come with the end."""

    def end(self) -> Iterator[bytes]:
        """What comes after the last row."""
        return iter(())

    def close(self) -> None:
        """Remove what was kept meanwhile."""
        return None


class JsonLines(Writer):
    """One object a line."""

    def add(self, rows: Rows) -> bytes:
        lines = [json.dumps(dict(zip(self.names, map(_told, row), strict=True))) for row in rows]
        return ("\n".join(lines) + "\n").encode() if lines else b""


def _told(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


class Csv(Writer):
    """As RFC 4180 has it, with no text that a spreadsheet would take for a formula."""

    def head(self) -> bytes:
        return (",".join(self.names) + "\r\n").encode()

    def add(self, rows: Rows) -> bytes:
        text = "".join(csv_lines(self.names, rows))
        return text[text.index("\r\n") + 2 :].encode()


class _Kept(Writer):
    """One that writes a temporary file, which is read at the end."""

    def __init__(self, columns: Sequence[Column]) -> None:
        super().__init__(columns)
        self.file: IO[bytes] = TemporaryFile(prefix="parking-export-")  # noqa: SIM115
        self._finished = False

    @abstractmethod
    def finish(self) -> None:
        """Write the rest of the file."""

    def end(self) -> Iterator[bytes]:
        self._finish_once()
        self.file.seek(0)
        while piece := self.file.read(PIECE):
            yield piece

    def close(self) -> None:
        """Also of an export that was broken off: libraries have files of their own to close."""
        self._finish_once()
        self.file.close()

    def _finish_once(self) -> None:
        if not self._finished:
            self._finished = True
            self.finish()


class Xlsx(_Kept):
    """One worksheet, times in UTC, texts never formulas. Raises InputError beyond a worksheet's rows."""

    def __init__(self, columns: Sequence[Column]) -> None:
        import xlsxwriter

        super().__init__(columns)
        options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
        self._book = xlsxwriter.Workbook(self.file, {**options, "default_date_format": "yyyy-mm-dd hh:mm:ss"})
        self._sheet = self._book.add_worksheet("export")
        self._sheet.freeze_panes(1, 0)
        self._sheet.write_row(0, 0, self.names, self._book.add_format({"bold": True}))
        self._count = 0

    def add(self, rows: Rows) -> bytes:
        if self._count + len(rows) > XLSX_ROWS:
            raise InputError(
                f"a worksheet has {XLSX_ROWS} rows; ask for a shorter period, or for csv, jsonl or parquet"
            )
        for row in rows:
            self._count += 1
            self._sheet.write_row(self._count, 0, [_cell(value) for value in row])
        return b""

    def finish(self) -> None:
        self._book.close()


def _cell(value: Any) -> Any:
    """A worksheet has no time zones: UTC it is."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).replace(tzinfo=None)
    return safe_text(value) if isinstance(value, str) else value


class Parquet(_Kept):
    """Columns with their types, compressed by zstd.

    What is said of each row group is kept until the end, so a group is large; until it is full its rows wait
    as columns, which take a tenth of what they take as tuples.
    """

    LOT_ROWS, GROUP_ROWS = 20_000, 100_000

    def __init__(self, columns: Sequence[Column]) -> None:
        import pyarrow as arrow
        from pyarrow import parquet

        super().__init__(columns)
        self._arrow = arrow
        types = {
            str: arrow.string(),
            datetime: arrow.timestamp("us", tz="UTC"),
            bool: arrow.bool_(),
            float: arrow.float64(),
            int: arrow.int64(),
        }
        self._schema = arrow.schema([(column.name, types[column.type]) for column in columns])
        self._writer = parquet.ParquetWriter(self.file, self._schema, compression="zstd")
        self._waiting: list[tuple[Any, ...]] = []
        self._lots: list[Any] = []

    def add(self, rows: Rows) -> bytes:
        self._waiting += rows
        if len(self._waiting) >= self.LOT_ROWS:
            self._pack()
        if sum(map(len, self._lots)) >= self.GROUP_ROWS:
            self._flush()
        return b""

    def _pack(self) -> None:
        values = list(zip(*self._waiting, strict=True)) or [()] * len(self.columns)
        arrays = [
            self._arrow.array(column, type=kind)
            for column, kind in zip(values, self._schema.types, strict=True)
        ]
        self._lots.append(self._arrow.Table.from_arrays(arrays, schema=self._schema))
        self._waiting = []

    def _flush(self) -> None:
        group = self._arrow.concat_tables(self._lots)
        self._writer.write_table(group, row_group_size=len(group))
        self._lots = []

    def finish(self) -> None:
        if self._waiting:
            self._pack()
        if self._lots:
            self._flush()
        self._writer.close()


WRITERS: dict[Format, type[Writer]] = {
    Format.JSONL: JsonLines,
    Format.CSV: Csv,
    Format.XLSX: Xlsx,
    Format.PARQUET: Parquet,
}
