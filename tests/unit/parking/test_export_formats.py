"""What a spreadsheet would take for a formula is a text in every file."""

import csv
import io
import zipfile
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from parking.db.exports import Column
from parking.exporting.formats import WRITERS, Format, Parquet, Rows
from parking.reporting.table import FORMULA, Table, as_csv


def table_bytes(columns: Sequence[Column], rows: Rows, form: Format) -> bytes:
    """A whole small table as a file."""
    writer = WRITERS[form](columns)
    try:
        return b"".join([writer.head(), writer.add(rows), *writer.end()])
    finally:
        writer.close()


COLUMNS = (Column("name", str), Column("count", int))


@pytest.mark.parametrize("text", ["=1+1", "+44", "-2", "@SUM(A1)", "\tx", "\rx"], ids=list("=+-@tr"))
def test_a_formula_is_written_as_text(text: str) -> None:
    rows = list(csv.reader(io.StringIO(table_bytes(COLUMNS, [(text, -5)], Format.CSV).decode(), newline="")))

    assert rows == [["name", "count"], [f"'{text}", "-5"]]


@given(st.text(min_size=1))
def test_no_text_in_csv_begins_a_formula(text: str) -> None:
    (_, (found,)) = csv.reader(io.StringIO(as_csv(Table(("name",), [(text,)])), newline=""))

    assert not found.startswith(FORMULA)
    assert found in (text, f"'{text}")


def test_a_worksheet_holds_no_formula() -> None:
    with zipfile.ZipFile(io.BytesIO(table_bytes(COLUMNS, [("=1+1", 2)], Format.XLSX))) as book:
        sheet = book.read("xl/worksheets/sheet1.xml").decode()

    assert "<f>" not in sheet
    assert "'=1+1" in sheet


def test_a_parquet_file_has_few_groups_however_small_the_lots() -> None:
    """What is said of each group is kept in memory until the end."""
    writer = Parquet(COLUMNS)
    count = 2 * Parquet.GROUP_ROWS + 1
    for first in range(0, count, 2000):
        writer.add([("x", number) for number in range(first, min(first + 2000, count))])
    file = b"".join(writer.end())
    writer.close()

    assert parquet.read_metadata(io.BytesIO(file)).num_row_groups == 3
    assert parquet.read_table(io.BytesIO(file)).column("count").to_pylist() == list(range(count))
