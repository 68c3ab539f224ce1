"""Notes of drivers that a space or a sign is told wrongly: what they may say, and what is taken out of it."""

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

MOST_CHARACTERS: Final = 500


class Wrong(StrEnum):
    """What is wrong, by the driver's choice."""

    TAKEN = "taken"
    FREE = "free"
    CLOSED = "closed"
    DETAILS = "details"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """One note. `bay` None: of the site as a whole. `closed_at` None: nobody has dealt with it yet."""

    note_id: int
    site: str
    site_name: str
    bay: str | None
    wrong: Wrong
    text: str
    made_at: datetime
    closed_at: datetime | None
    closed_by: str | None

    @property
    def words(self) -> str:
        """What is wrong, and the driver's own words."""
        return f"{SAYS[self.wrong]}: {self.text}" if self.text else SAYS[self.wrong]


SAYS: Final = {
    Wrong.TAKEN: "told as free, and there is no space",
    Wrong.FREE: "told as full or not known, and there are spaces",
    Wrong.CLOSED: "open or closed, other than told",
    Wrong.DETAILS: "the price, the hours or another fact is wrong",
    Wrong.OTHER: "something else",
}
"""What is wrong, for those who look after the devices."""
_PERSONAL: Final = (
    re.compile(r"[^\s@]+@[^\s@]+\.[^\s@]+"),
    re.compile(r"https?://\S+", re.IGNORECASE),
    # Number plates: of Britain since 2001 and of the two series before, in any spacing.
    re.compile(r"\b[a-z]{2}[ -]?[0-9]{2}[ -]?[a-z]{3}\b", re.IGNORECASE),
    re.compile(r"\b[a-z][ -]?[0-9]{1,3}[ -]?[a-z]{3}\b", re.IGNORECASE),
    re.compile(r"\b[a-z]{3}[ -]?[0-9]{1,3}[ -]?[a-z]\b", re.IGNORECASE),
    re.compile(r"\+?[0-9][0-9 ()/-]{7,}[0-9]"),
)
REMOVED: Final = "[removed]"


def cleaned(text: str) -> str:
    """A driver's words as they may be kept: short, on one line, without what looks like personal data.

    Addresses of e-mail and web, telephone numbers and number plates are taken out. It errs on that side: what
    matters is which space, and that was asked for on its own.
    """
    plain = " ".join("".join(c if c.isprintable() else " " for c in text).split())[: 4 * MOST_CHARACTERS]
    for pattern in _PERSONAL:
        plain = pattern.sub(REMOVED, plain)
    return plain[:MOST_CHARACTERS]
