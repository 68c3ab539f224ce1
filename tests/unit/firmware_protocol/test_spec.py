"""SPEC.md against the tables of the code and the vectors: the page cannot drift."""

import re
from pathlib import Path
from typing import get_args

import pytest

import firmware_protocol
from firmware_protocol import layout, vectors
from firmware_protocol.commands import Operation
from firmware_protocol.conformance.clauses import CLAUSES as CLAUSE_TABLE
from firmware_protocol.frames import ErrorCode, FrameType, Outcome, ResetCause, State, TlvType

SPEC = (Path(firmware_protocol.__file__).parent / "SPEC.md").read_text("utf-8")
CLAUSES = re.findall(r"^\* \*\*\[([A-Z]-\d+)\]\*\*", SPEC, re.MULTILINE)
TESTS = Path(__file__).parents[2]
_BAY = "unit/firmware_protocol/test_bay.py::"
_CONFORMANCE = "unit/firmware_protocol/test_conformance.py::"
_AUTHENTIC = "unit/ingest/test_authentic.py::"
NAMED_TESTS = {
    "D-4": f"{_BAY}test_every_frame_tells_what_the_model_says_at_that_time",
    "D-5": f"{_BAY}test_every_frame_tells_what_the_model_says_at_that_time",
    "D-6": "unit/ingest/test_decode.py::test_a_frame_says_when_its_state_began",
    "D-7": "unit/parking/test_timeline.py::test_the_copy_sent_soonest_after_the_event_tells_its_time",
    "Q-4": "unit/parking/test_timeline.py::test_order_and_copies_do_not_matter",
    "Q-5": "unit/parking/test_timeline.py::test_a_sequence_that_wraps_goes_on",
    "Q-6": "unit/parking/test_timeline_of_frames.py::"
    "test_a_start_that_nobody_announced_ends_no_stay_and_begins_none",
    "Q-7": "unit/parking/test_timeline_of_frames.py::"
    "test_a_lost_transition_is_placed_by_the_duration_of_the_state_after_it",
    "Q-8": f"{_BAY}test_every_transition_is_told_at_once_and_again_until_acknowledged",
    "M-1": "unit/firmware_protocol/test_topics.py::test_other_topics_are_not_ours",
    "M-2": f"{_CONFORMANCE}test_a_device_that_breaks_one_clause_is_told_that_clause_alone",
    "M-3": "unit/ingest/test_decode.py::test_a_retained_replay_is_ignored",
    "M-4": f"{_CONFORMANCE}test_what_only_should_be_is_advice",
    "M-5": "integration/ingest/test_source.py::"
    "test_the_wait_in_the_broker_is_taken_off_unless_it_makes_no_sense",
    "M-6": "unit/ingest/test_adapters_codecs.py::test_a_payload_gives_its_readings",
    "E-3": "acceptance/test_bad_input.py::"
    "test_each_bad_message_is_recorded_once_and_the_good_ones_between_are_stored",
    "E-4": "unit/firmware_protocol/test_codec.py::test_voltage_is_rounded_and_held_within_its_range",
    "V-1": "unit/firmware_protocol/test_spec.py::test_fixed_fields_of_version_1_stay_where_they_are",
    "V-3": "unit/firmware_protocol/test_spec.py::test_error_codes_are_those_of_the_code",
    "C-1": "integration/test_device_command.py::test_a_command_is_not_retained",
    "C-3": f"{_BAY}test_the_same_command_again_is_answered_again_and_not_carried_out_again",
    "A-4": "unit/firmware_protocol/test_seal.py::"
    "test_c_verifies_every_published_frame_and_none_with_a_changed_bit",
    "A-5": "unit/firmware_protocol/test_window.py::test_window_takes_each_counter_once_and_never_an_old_one",
    "A-6": "integration/ingest/test_sealed.py::"
    "test_a_used_counter_is_a_copy_if_its_frame_is_stored_and_else_a_replay",
    "A-7": "integration/ingest/test_sealed.py::test_what_a_crash_lets_come_again_is_a_copy_or_new",
    "A-9": f"{_AUTHENTIC}test_what_is_refused_has_a_code_of_its_own_and_tells_nothing",
}
"""Tests, below tests/, of the clauses that no single frame shows."""
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


def test_fixed_fields_of_version_1_stay_where_they_are() -> None:
    assert layout.STATE_STRUCT.format == ">BBBHHHBb"
    assert layout.HEALTH_STRUCT.format == ">BBBBb"
    assert layout.BUNDLE_STRUCT.format == ">BBH"


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


@pytest.mark.parametrize("clause", CLAUSES)
def test_clause_has_a_vector_or_a_named_test(clause: str) -> None:
    assert any(row.clause == clause for row in vectors.load()) != (clause in NAMED_TESTS)


@pytest.mark.parametrize(("clause", "test"), list(NAMED_TESTS.items()), ids=list(NAMED_TESTS))
def test_named_test_of_a_clause_exists(clause: str, test: str) -> None:
    path, _, name = test.partition("::")
    assert re.search(rf"^(async )?def {name}\(", (TESTS / path).read_text("utf-8"), re.M), test


def test_conformance_knows_every_clause_in_its_order() -> None:
    assert list(CLAUSE_TABLE) == CLAUSES


def test_vectors_show_every_type_state_and_decoder_error() -> None:
    text = vectors.VECTORS_FILE.read_text("utf-8")
    for kind in FrameType:
        assert any(row.data[:1] == bytes((0x10 | kind,)) for row in vectors.load())
    for word in (*(state.name.lower() for state in State), *get_args(ErrorCode)):
        assert (f'"{word}"' in text) == (word != "bad_value")
