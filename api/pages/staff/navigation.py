"""What staff find in the navigation: one table, each row for those who have its scope."""

from dataclasses import dataclass
from typing import Final

from api.access import Caller
from parking.access_keys import Scope


@dataclass(frozen=True, slots=True)
class Entry:
    """A page in the navigation: where it is, what it is called, and the scope that it needs."""

    path: str
    words: str
    scope: Scope


NAVIGATION: Final[tuple[Entry, ...]] = ()
"""In the order of the page. Pages that are not here are reached from one that is."""


def entries(caller: Caller) -> list[Entry]:
    """What this caller finds there."""
    return [entry for entry in NAVIGATION if caller.may(entry.scope)]
