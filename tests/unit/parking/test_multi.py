"""MULTI for NTCIP 1203 controllers."""

from parking.multi import multi


def test_lines_come_after_the_tags_and_brackets_are_doubled() -> None:
    assert multi(["42"], before="[jp3][jl3]") == "[jp3][jl3]42"
    assert multi(["NORTH 3", "SOUTH [P]"]) == "NORTH 3[nl]SOUTH [[P]]"


def test_a_blank_sign_is_an_empty_message_and_a_blank_line_stays_a_line() -> None:
    assert multi([""], before="[jp3]") == ""
    assert multi(["", "3"]) == "[nl]3"
