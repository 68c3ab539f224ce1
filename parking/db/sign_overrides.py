"""What operators set on signs, and what signs were told: for people, with every change on record."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from parking.db.audit import record
from parking.db.connect import Connection, statement
from parking.errors import InputError, NotFound
from parking.sign_rules import Mode, Override, SignRules, rules_of

LONGEST = timedelta(days=31)
SHORTEST = timedelta(seconds=10)
MAX_REASON = 200


@dataclass(frozen=True, slots=True)
class Told:
    """One change of what a sign was told."""

    message_id: int
    told_at: datetime
    text: str
    why: str
    reason: str
    revision: int


@dataclass(frozen=True, slots=True)
class History:
    """What a sign was told, the newest first, when it last asked over HTTP, and what is set on it."""

    messages: list[Told]
    polled_at: datetime | None
    polled_text: str | None
    override: Override | None


async def set_override(
    connection: Connection,
    sign_id: str,
    *,
    text: str | Mode,
    until: datetime | timedelta,
    reason: str,
    actor: str,
) -> Override:
    """Make a sign show a text (or what a mode shows) until a time; in a transaction, on record.

    Raises NotFound, and InputError where the sign does not have that text or the time or reason cannot be.
    """
    rules, _ = await sign_of(connection, sign_id)
    now = await _now(connection)
    ends = now + until if isinstance(until, timedelta) else until
    if not SHORTEST <= ends - now <= LONGEST:
        raise InputError(
            f"until {ends.isoformat()}: must be {SHORTEST.seconds} s to {LONGEST.days} days after now,"
            f" {now.isoformat(timespec='seconds')}"
        )
    if not reason.strip() or len(reason) > MAX_REASON or not reason.isprintable():
        raise InputError(f"reason: must be 1 to {MAX_REASON} printable characters (found {reason[:60]!r})")
    shown = _shown(rules, text)
    before = await _override(connection, sign_id)
    made = Override(text=shown, until=ends, reason=reason, made_by=actor, made_at=now)
    values = {"text": shown, "until": ends, "reason": reason, "made_by": actor, "made_at": now}
    await connection.execute(statement("signs", "set_override"), {"sign_id": sign_id, **values})
    await _changed(connection, sign_id, "override", actor=actor, before=before, after=made)
    return made


async def end_override(connection: Connection, sign_id: str, *, actor: str) -> Override:
    """Let a sign decide for itself again; what was set. Raises NotFound, also where nothing is set."""
    await sign_of(connection, sign_id)
    before = await _override(connection, sign_id)
    if before is None:
        raise NotFound(f"Nothing is set on the sign {sign_id!r:.100}.")
    await connection.execute(statement("signs", "end_override"), {"sign_id": sign_id})
    await _changed(connection, sign_id, "resume", actor=actor, before=before, after=None)
    return before


async def sign_of(connection: Connection, sign_id: str) -> tuple[SignRules, list[str]]:
    """The rules of a sign and its sites. Raises NotFound."""
    # PostgreSQL takes no NUL in a text, and no sign has one.
    cursor = await connection.execute(
        statement("signs", "sign"), {"sign_id": sign_id.replace("\0", "\ufffd")}
    )
    row = await cursor.fetchone()
    if row is None:
        raise NotFound(f"There is no sign with the id {sign_id[:100]!r}.")
    details, sites = row
    return rules_of(details, SignRules(), timezone="UTC"), sites


async def history(connection: Connection, sign_id: str, *, limit: int, below: int | None = None) -> History:
    """What a sign was told, of rows before `below` if it is given. Of a sign that was removed too."""
    sign_id = sign_id.replace("\0", "\ufffd")
    parameters = {"sign_id": sign_id, "limit": limit, "below": below}
    cursor = await connection.execute(statement("signs", "history"), parameters)
    messages = [Told(*row) for row in await cursor.fetchall()]
    if not messages and below is None:
        await sign_of(connection, sign_id)
    poll = await (await connection.execute(statement("signs", "last_poll"), parameters)).fetchone()
    polled_at, polled_text = poll or (None, None)
    return History(messages, polled_at, polled_text, await _override(connection, sign_id))


async def _override(connection: Connection, sign_id: str) -> Override | None:
    cursor = await connection.execute(statement("signs", "override"), {"sign_id": sign_id})
    row = await cursor.fetchone()
    return None if row is None else _as_override(*row)


def _as_override(text: str, until: datetime, reason: str, made_by: str, made_at: datetime) -> Override:
    return Override(text=text, until=until, reason=reason, made_by=made_by, made_at=made_at)


async def _changed(connection: Connection, sign_id: str, action: str, **change: Any) -> None:
    await connection.execute(statement("signs", "notify"), (sign_id,))
    await record(connection, action=f"sign.{action}", subject=f"sign/{sign_id}", **change)


def _shown(rules: SignRules, text: str | Mode) -> str:
    """The text that it is to show. Raises InputError if it is none of the sign's."""
    if isinstance(text, Mode):
        texts = rules.texts
        text = {Mode.FULL: texts.full, Mode.CLOSED: texts.closed, Mode.TEST: texts.test}.get(text, "")
    if text not in rules.words():
        known = ", ".join(repr(word) for word in rules.words())
        raise InputError(
            f"text {text!r:.60} is not one that this sign has; it has {known}",
            hint="An operator cannot set a number: numbers are shown only where they are known to be true.",
        )
    return text


async def _now(connection: Connection) -> datetime:
    row = await (await connection.execute(statement("signs", "time"))).fetchone()
    assert row is not None, "the query returns one row"
    now: datetime = row[0]
    return now
