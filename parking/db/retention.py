"""Removes what is old, each step a transaction: whole chunks where there are any, else some rows at a time.

What the present still needs stays, however old: the last event of a bay that has been quiet since, and a stay
that began long ago and ended of late. Where such a row lies in a chunk that goes, it is put back in the same
transaction.
Open stays, the registry, corrections and the audit log are in tables that are never cleared.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from parking.db.connect import Connection, statement
from parking.retention import FOR_EVER

STEP: Final = timedelta(hours=1)
"""The first step; later ones are longer or shorter, so that each removes some thousand rows."""
LEAST_STEP, LONGEST_STEP = timedelta(minutes=5), timedelta(days=30)
FEW, MANY = 2000, 20_000
RECENT: Final = timedelta(days=30)
"""What comes late is joined to events of this time at most; PARKING_LATE_LIMIT_S is never longer."""
_SPARING: Final = ("bay_event", "ended_stay")
"""Tables in which some old rows are needed."""


@dataclass(frozen=True, slots=True)
class Cleared:
    """What went from a table, or would: everything before `until`. None `until`: nothing is ever removed.

    Where whole chunks go, their rows are not counted.
    """

    table: str
    until: datetime | None
    rows: int = 0
    chunks: int = 0


async def clear_if_due(
    connection: Connection, days: Mapping[str, int], *, every: timedelta
) -> list[Cleared] | None:
    """Remove what is old unless another process does so now, or did within `every`: then None."""
    async with _alone(connection) as alone:
        cleared = [table for table, kept in days.items() if kept != FOR_EVER]
        if not alone or not await _due(connection, cleared, every):
            return None
        return await clear(connection, days, now=await _time(connection))


async def clear_now(
    connection: Connection, days: Mapping[str, int], *, dry_run: bool
) -> list[Cleared] | None:
    """Remove what is old, or say what would go; None if another process does so now."""
    async with _alone(connection) as alone:
        if not alone:
            return None
        return await clear(connection, days, now=await _time(connection), dry_run=dry_run)


async def clear(
    connection: Connection, days: Mapping[str, int], *, now: datetime, dry_run: bool = False
) -> list[Cleared]:
    """The same as of `now`, whoever else is at it. On a connection of its own: it uses temporary tables."""
    hypertables: set[str] = set()
    if (await _one(connection, "has_timescale"))[0]:
        hypertables = {name for (name,) in await _rows(connection, "hypertables")}
    gone = dict(await _rows(connection, "gone"))
    done = []
    for table, kept in days.items():
        if kept == FOR_EVER:
            done.append(Cleared(table, None))
            continue
        work = _Table(connection, table, now - timedelta(days=kept), recent=now - RECENT, dry_run=dry_run)
        await work.prepare(in_chunks=table in hypertables)
        done.append(await (work.chunks() if table in hypertables else work.rows(gone.get(table))))
    return done


@dataclass(frozen=True, slots=True)
class _Table:
    """One table and the moment before which its rows go."""

    connection: Connection
    table: str
    cutoff: datetime
    recent: datetime
    dry_run: bool

    async def prepare(self, *, in_chunks: bool) -> None:
        """Note which old rows are needed."""
        if self.table == "bay_event" or (in_chunks and self.table in _SPARING):
            await self._run(f"table_{self.table}", {})
            await self._run(f"needed_{self.table}", {"until": self.cutoff, "recent": self.recent})

    async def chunks(self) -> Cleared:
        """Let whole chunks go, each in a transaction, with what is needed of them put back."""
        removed = 0
        spans = await _rows(self.connection, "chunks", {"table": self.table, "until": self.cutoff})
        for since, until in spans:
            span = {"table": self.table, "since": since, "until": until}
            if self.table in _SPARING and not (await _one(self.connection, f"spare_{self.table}", span))[0]:
                continue
            removed += 1
            if not self.dry_run:
                await self._drop(span)
        until = spans[-1][1] if spans else self.cutoff
        return await self._record(Cleared(self.table, until, chunks=removed))

    async def _drop(self, span: Mapping[str, Any]) -> None:
        async with self.connection.transaction():
            await self._run("drop_chunk", span)
            if self.table in _SPARING:
                await self._run(f"restore_{self.table}", span)

    async def rows(self, gone_until: datetime | None) -> Cleared:
        """Let rows go, some thousand at a time, from where the last run ended or from the oldest on."""
        begin = gone_until
        if begin is None:
            begin = (await _one(self.connection, f"first_{self.table}"))[0]
        removed, step = 0, STEP
        while begin is not None and begin < self.cutoff:
            until = self.cutoff if self.dry_run else min(begin + step, self.cutoff)
            went = await self._go({"since": begin, "until": until})
            removed, begin = removed + went, until
            if went < FEW:
                step = min(2 * step, LONGEST_STEP)
            elif went > MANY:
                step = max(step / 2, LEAST_STEP)
        return await self._record(Cleared(self.table, self.cutoff, rows=removed))

    async def _go(self, span: Mapping[str, Any]) -> int:
        """Remove the rows of a spell, or count them."""
        if self.dry_run:
            found: int = (await _one(self.connection, f"count_{self.table}", span))[0]
            return found
        return await self._run(f"delete_{self.table}", span)

    async def _record(self, cleared: Cleared) -> Cleared:
        if not self.dry_run:
            values = {"table": self.table, "until": cleared.until}
            await self._run("record", {**values, "rows": cleared.rows, "chunks": cleared.chunks})
        return cleared

    async def _run(self, name: Any, parameters: Mapping[str, Any]) -> int:
        return (await self.connection.execute(statement("retention", name), parameters)).rowcount


@asynccontextmanager
async def _alone(connection: Connection) -> AsyncIterator[bool]:
    """Whether nobody else clears until this ends."""
    alone: bool = (await _one(connection, "hold"))[0]
    try:
        yield alone
    finally:
        if alone and not connection.closed:
            await connection.execute(statement("retention", "let_go"))


async def _due(connection: Connection, tables: Sequence[str], every: timedelta) -> bool:
    rows = await _rows(connection, "last_run", {"tables": list(tables)})
    return not rows or await _time(connection) - rows[0][0] >= every


async def _time(connection: Connection) -> datetime:
    now: datetime = (await _one(connection, "time"))[0]
    return now


async def _one(
    connection: Connection, name: Any, parameters: Mapping[str, Any] | None = None
) -> tuple[Any, ...]:
    (row,) = await _rows(connection, name, parameters)
    return row


async def _rows(
    connection: Connection, name: Any, parameters: Mapping[str, Any] | None = None
) -> list[tuple[Any, ...]]:
    return await (await connection.execute(statement("retention", name), parameters)).fetchall()
