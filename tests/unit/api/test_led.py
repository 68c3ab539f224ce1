"""The matrix of lamps."""

from api.pages.led import COLUMNS, GAP, ROWS, WIDEST, Lamps, lamps, matrix


def rows(drawn: Lamps) -> set[int]:
    """The rows with a lit lamp."""
    return {row for _, row in drawn.lit}


def test_a_text_is_in_the_middle() -> None:
    drawn = matrix("42")
    columns = [column for column, _ in drawn.lit]
    assert drawn.width == WIDEST * (COLUMNS + GAP) + GAP
    assert abs(min(columns) - (drawn.width - 1 - max(columns))) <= 1
    assert rows(drawn) == set(range(GAP, GAP + ROWS))


def test_nothing_is_lit_on_a_blank_sign() -> None:
    assert matrix("").lit == []


def test_a_long_text_is_broken_at_spaces_and_lines_stay_lines() -> None:
    assert matrix("ALMOST FULL").height == matrix("ALMOST\nFULL").height == 2 * (ROWS + GAP) + GAP
    wide = matrix("CITY NORTH 12\nCITY SOUTH FULL")
    assert wide.height == 2 * (ROWS + GAP) + GAP
    assert wide.width > matrix("12").width
    assert all(0 <= column < wide.width and 0 <= row < wide.height for column, row in wide.lit)


def test_a_letter_that_no_sign_has_shows_as_a_question_mark() -> None:
    assert lamps("漢") == lamps("?")
