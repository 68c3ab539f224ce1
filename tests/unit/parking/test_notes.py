"""What a driver writes is kept without what looks like personal data."""

import pytest

from parking.notes import REMOVED, cleaned


@pytest.mark.parametrize(
    "personal",
    ["ann@example.org", "https://example.org/me", "AB12 CDE", "ab12cde", "A123 BCD", "ABC 123D",
     "029 2087 2087", "+44 (0)29 2087 2087", "07700-900123"],
)  # fmt: skip
def test_what_looks_personal_is_removed(personal: str) -> None:
    assert cleaned(f"by the gate {personal} blocked") == f"by the gate {REMOVED} blocked"


@pytest.mark.parametrize("kept", ["bay 12 by the church", "level 3, row C", "since 14:30 on 3 May 2026"])
def test_places_and_times_are_kept(kept: str) -> None:
    assert cleaned(kept) == kept


def test_it_is_one_short_line_of_what_can_be_printed() -> None:
    assert cleaned(" a\n\tb\x00c ") == "a b c"
    assert len(cleaned("word " * 1000)) == 500
