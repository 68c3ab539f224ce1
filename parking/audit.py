"""The chain of the audit log: what each row's hash is made of, and what is wrong with a chain."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

GENESIS: Final = bytes(32)
"""Stands where the first row's predecessor would."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One change: who did what to what. `before` and `after` are JSON values, None where there is nothing."""

    audit_id: int
    at: datetime
    actor: str
    action: str
    subject: str
    before: Any
    after: Any
    previous: bytes
    hash: bytes = b""

    def computed(self) -> bytes:
        """The hash that this row must have."""
        return hashlib.sha256(canonical(self)).digest()


@dataclass(frozen=True, slots=True)
class Broken:
    """The first row that breaks the chain (0: the log as a whole), and the rule that it breaks."""

    audit_id: int
    rule: str


def canonical(entry: Entry) -> bytes:
    """All of a row but its hash as JSON: keys sorted, no spaces, UTF-8, the time in microseconds of UTC."""
    fields = {
        "audit_id": entry.audit_id,
        "at": entry.at.astimezone(UTC).isoformat(timespec="microseconds"),
        "actor": entry.actor,
        "action": entry.action,
        "subject": entry.subject,
        "before": entry.before,
        "after": entry.after,
        "previous": entry.previous.hex(),
    }
    text = json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.encode()


class Chain:
    """Walks the log from its first row; `last_id` and `head` are where it has come to."""

    def __init__(self) -> None:
        self.last_id = 0
        self.head = GENESIS
        self.seen_expected = False

    def walk(self, entries: Iterable[Entry], *, expect: bytes | None = None) -> Broken | None:
        """Go on over these rows; the first that is not as it must be, if any."""
        for entry in entries:
            broken = self._step(entry)
            if broken is not None:
                return broken
            self.last_id, self.head = entry.audit_id, entry.hash
            self.seen_expected |= entry.hash == expect
        return None

    def _step(self, entry: Entry) -> Broken | None:
        if entry.audit_id != self.last_id + 1:
            return Broken(
                entry.audit_id, f"row {self.last_id + 1} must come here: a row was removed or moved"
            )
        if entry.previous != self.head:
            return Broken(
                entry.audit_id,
                "its `previous` must be the hash of the row before: a row was replaced or moved",
            )
        if entry.hash != entry.computed():
            return Broken(entry.audit_id, "its `hash` must be that of its content: it was edited")
        return None
