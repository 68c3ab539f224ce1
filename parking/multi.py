"""MULTI, the mark-up of NTCIP 1203 in which a controller takes the text of a message sign."""

from collections.abc import Sequence

NEW_LINE = "[nl]"


def multi(lines: Sequence[str], *, before: str = "") -> str:
    """The lines as MULTI after the tags `before`; empty, which is a blank sign, where no line says anything.

    Brackets of a text are doubled: a single one would begin a tag (NTCIP 1203 v03, clause 6).
    """
    if not any(lines):
        return ""
    return before + NEW_LINE.join(line.replace("[", "[[").replace("]", "]]") for line in lines)
