"""The audit log as the API tells it."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from api.bodies import Time
from parking.audit import Entry


class AuditRow(msgspec.Struct, frozen=True, kw_only=True):
    """One change: who did what to what."""

    audit_id: int
    at: Time
    actor: str
    action: Annotated[str, Meta(description="such as key.create")]
    subject: Annotated[str, Meta(description="such as key/o72baw2anr")]
    before: Any
    after: Any
    previous: Annotated[str, Meta(description="the hash of the row before")]
    hash: Annotated[str, Meta(description="SHA-256 of all the rest, in canonical JSON")]


class AuditBody(msgspec.Struct, frozen=True, kw_only=True):
    """Changes, the newest first. `next` is the `cursor` of those that come after these, null at the end."""

    entries: list[AuditRow]
    next: str | None


def audit_body(entries: list[Entry], *, limit: int) -> AuditBody:
    """A page of at most `limit` rows, of which one more was read if there is another page."""
    shown = entries[:limit]
    more = str(shown[-1].audit_id) if len(entries) > limit else None
    return AuditBody(entries=[_row(entry) for entry in shown], next=more)


def _row(entry: Entry) -> AuditRow:
    return AuditRow(
        audit_id=entry.audit_id,
        at=entry.at,
        actor=entry.actor,
        action=entry.action,
        subject=entry.subject,
        before=entry.before,
        after=entry.after,
        previous=entry.previous.hex(),
        hash=entry.hash.hex(),
    )
