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


NAVIGATION: Final = (
    Entry("/manage/today", "Today", Scope.REPORTS_READ),
    Entry("/manage/use", "Use", Scope.REPORTS_READ),
    Entry("/manage/stays", "Stays", Scope.REPORTS_READ),
    Entry("/manage/maintenance", "Maintenance", Scope.MAINTENANCE_READ),
    Entry("/manage/counts", "Counts", Scope.COUNTS_WRITE),
    Entry("/manage/signs", "Signs", Scope.SIGNS_WRITE),
    Entry("/manage/closures", "Closures", Scope.REGISTRY_WRITE),
    Entry("/manage/registry", "Registry", Scope.REGISTRY_WRITE),
    Entry("/manage/system", "System", Scope.HEALTH_READ),
    Entry("/manage/keys", "Keys", Scope.KEYS_WRITE),
    Entry("/manage/audit", "Audit log", Scope.AUDIT_READ),
)
"""In the order of the page. Pages that are not here are reached from one that is."""


def entries(caller: Caller) -> list[Entry]:
    """What this caller finds there."""
    return [entry for entry in NAVIGATION if caller.may(entry.scope)]
