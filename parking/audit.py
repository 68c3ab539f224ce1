"""The chain of the audit log: what each row's hash is made of, and what is wrong with a chain."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from parking.errors import AuditError

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


def as_plain(entry: Entry) -> dict[str, Any]:
    """All of a row but its hash, as JSON tells it: the time in microseconds of UTC, bytes in hex."""
    return {
        "audit_id": entry.audit_id,
        "at": entry.at.astimezone(UTC).isoformat(timespec="microseconds"),
        "actor": entry.actor,
        "action": entry.action,
        "subject": entry.subject,
        "before": entry.before,
        "after": entry.after,
        "previous": entry.previous.hex(),
    }


def canonical(entry: Entry) -> bytes:
    """All of a row but its hash as JSON with its keys sorted, without spaces, in UTF-8."""
    return dumped(as_plain(entry)).encode()


def as_line(entry: Entry) -> str:
    """A row with its hash as one line of an export."""
    return dumped({**as_plain(entry), "hash": entry.hash.hex()})


def from_line(line: str) -> Entry:
    """The row of such a line. Raises AuditError."""
    try:
        row = json.loads(line)
        row["at"] = datetime.fromisoformat(row["at"])
        row["previous"], row["hash"] = bytes.fromhex(row["previous"]), bytes.fromhex(row["hash"])
        return Entry(**row)
    except (ValueError, TypeError, KeyError) as error:
        raise AuditError(f"this is no row of an exported audit log: {line.strip()!r:.80}") from error


def dumped(value: Any) -> str:
    """JSON in the one form that is hashed."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


class Chain:
    """Walks the log from its first row; `last_id` and `head` are where it has come to.

    With `expect`, the hash of a row that was noted outside, it finds a log that was cut off or written anew.
    """

    def __init__(self, *, expect: bytes | None = None) -> None:
        self.last_id = 0
        self.head = GENESIS
        self.expected_at: int | None = 0 if expect == GENESIS else None
        self._expect = expect

    def walk(self, entries: Iterable[Entry]) -> Broken | None:
        """Go on over these rows; the first that is not as it must be, if any."""
        for entry in entries:
            broken = self._step(entry)
            if broken is not None:
                return broken
            self.last_id, self.head = entry.audit_id, entry.hash
            if entry.hash == self._expect:
                self.expected_at = entry.audit_id
        return None

    def end(self, last_id: int, head: bytes) -> Broken | None:
        """All rows have been walked; what the head of the log says is the last one."""
        if (last_id, head) != (self.last_id, self.head):
            return Broken(
                self.last_id + 1,
                f"the log ends with row {self.last_id}, its head says {last_id}: its end was cut or added to",
            )
        return self.end_alone()

    def end_alone(self) -> Broken | None:
        """The same for an export, which has no head."""
        if self._expect is not None and self.expected_at is None:
            return Broken(0, "no row has the expected hash: the log was cut off before it, or written anew")
        return None

    def _step(self, entry: Entry) -> Broken | None:
        if entry.audit_id != self.last_id + 1:
            return Broken(
                self.last_id + 1, f"row {entry.audit_id} stands in its place: it was removed or moved"
            )
        if entry.previous != self.head:
            return Broken(
                entry.audit_id,
                "its `previous` is not the hash of the row before: one of them was replaced",
            )
        if entry.hash != entry.computed():
            return Broken(entry.audit_id, "its `hash` is not that of its content: it was edited")
        return None
