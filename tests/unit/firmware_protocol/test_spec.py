"""SPEC.md against the tables of the code and the vectors: the page cannot drift."""

import re
from pathlib import Path
from typing import get_args

import pytest

import firmware_protocol
from firmware_protocol import layout, vectors
from firmware_protocol.commands import Operation
from firmware_protocol.frames import ErrorCode, FrameType, Outcome, ResetCause, State, TlvType

SPEC = (Path(firmware_protocol.__file__).parent / "SPEC.md").read_text("utf-8")
CLAUSES = re.findall(r"^\* \*\*\[([A-Z]-\d+)\]\*\*", SPEC, re.MULTILINE)
SIZES = {"B": 1, "b": 1, "H": 2, "I": 4}


def offset_table(section: str, *, table: int = 1) -> list[tuple[int, int, str]]:
    """The rows "offset, size, field" of one of a section's tables, where both are fixed."""
    text = SPEC.split(f"\n## {section}", 1)[1].split("\n## ", 1)[0]
    rows = text.split("| Offset |")[table].split("\n\n", 1)[0]
    return [(int(a), int(b), c) for a, b, c in re.findall(r"^\| (\d+) \| (\d+) \| (\w+) \|", rows, re.M)]


@pytest.mark.parametrize(
    ("section", "fields"),
    [
        ("2.", layout.STATE_FIELDS),
        ("6.", layout.HEALTH_FIELDS),
        ("7.", layout.BUNDLE_FIELDS),
        ("11.", layout.COMMAND_FIELDS),
        ("12.", layout.SEALED_FIELDS),
    ],
)
def test_offset_table_is_that_of_the_code(section: str, fields: tuple[layout.Field, ...]) -> None:
    assert offset_table(section) == [(f.offset, SIZES[f.format], f.name) for f in fields]


@pytest.mark.parametrize(
    ("fields", "size"),
    [
        (layout.STATE_FIELDS, layout.STATE_SIZE),
        (layout.HEALTH_FIELDS, layout.HEALTH_SIZE),
        (layout.BUNDLE_FIELDS, layout.BUNDLE_HEADER_SIZE),
        (layout.SEALED_FIELDS, layout.SEALED_HEADER_SIZE),
        (layout.COMMAND_FIELDS, layout.COMMAND_SIZE),
        (layout.ACK_FIELDS, layout.ACK_SIZE),
    ],
)
def test_fields_lie_side_by_side(fields: tuple[layout.Field, ...], size: int) -> None:
    ends = [field.offset + SIZES[field.format] for field in fields]
    assert [field.offset for field in fields] == [0, *ends[:-1]]
    assert ends[-1] == size


def test_types_states_values_and_reset_causes_are_those_of_the_code() -> None:
    types = re.findall(r"^\| (\d) \| (\w+) \| `0x1\d` \|", SPEC, re.M)
    assert types == [(str(kind.value), kind.name.lower()) for kind in FrameType]
    assert ", ".join(f"{state.value} {state.name.lower()}" for state in State) in SPEC
    values = dict(
        re.findall(r"^\| (\d+) \| ([a-z ]+) \| .+ \|$", SPEC.split("## 5.")[1].split("## 6.")[0], re.M)
    )
    assert values == {str(kind.value): kind.name.lower().replace("_", " ") for kind in TlvType}
    causes = ", ".join(f"{cause.value} {cause.name.lower().replace('_', ' ')}" for cause in ResetCause)
    assert causes.replace("brown out", "brown-out") in SPEC


def test_operations_outcomes_and_answer_are_those_of_the_code() -> None:
    section = SPEC.split("\n## 11.", 1)[1].split("\n## 12.", 1)[0]
    operations = re.findall(r"^\| (\d) \| ([a-z]+) \| [a-z]", section, re.M)
    assert operations == [(str(item.value), item.name.lower()) for item in Operation]
    assert ", ".join(f"{item.value} {item.name.lower()}" for item in Outcome) in section
    answer = offset_table("11.", table=2)
    assert answer == [(f.offset, SIZES[f.format], f.name) for f in layout.ACK_FIELDS]


def test_error_codes_are_those_of_the_code() -> None:
    section = SPEC.split("\n## 9.", 1)[1].split("\n## 10.", 1)[0]
    assert tuple(re.findall(r"^\| `(\w+)` \|", section, re.M)) == get_args(ErrorCode)


def test_clauses_are_numbered_once_and_without_gaps() -> None:
    by_letter: dict[str, list[int]] = {}
    for clause in CLAUSES:
        letter, number = clause.split("-")
        by_letter.setdefault(letter, []).append(int(number))
    assert by_letter == {letter: list(range(1, len(n) + 1)) for letter, n in by_letter.items()}


def test_clauses_referred_to_exist() -> None:
    assert set(re.findall(r"\[([A-Z]-\d+)\]", SPEC)) == set(CLAUSES)


def test_vectors_have_unique_names_and_existing_clauses() -> None:
    rows = list(vectors.load())
    assert len({row.name for row in rows}) == len(rows)
    assert {row.clause for row in rows} <= set(CLAUSES)


def test_vectors_show_every_type_state_and_decoder_error() -> None:
    text = vectors.VECTORS_FILE.read_text("utf-8")
    for kind in FrameType:
        assert any(row.data[:1] == bytes((0x10 | kind,)) for row in vectors.load())
    for word in (*(state.name.lower() for state in State), *get_args(ErrorCode)):
        assert (f'"{word}"' in text) == (word != "bad_value")
