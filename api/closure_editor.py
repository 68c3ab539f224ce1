"""Closures are made, changed and ended, each with its condition, its check and its row in the audit log.

The routes and the pages of staff both go through here.
"""

from typing import Any

from api.access import Caller
from api.closures import ClosureWish, closure_body, closure_document, patched
from api.registry import Match
from parking.db.audit import record
from parking.db.connect import Connection
from parking.db.opening import Closure, change_closure, close_site, end_closure, find_closure
from parking.db.pool import Pool


class ClosureEditor:
    """Changes closures. `dry_run`: all is checked as if it were done, and then undone.

    Raises RegistryError, InputError, ConflictError, NotFound, DatabaseUnavailable; Refused where the
    condition does not hold, Forbidden where the caller may not.
    """

    def __init__(self, writes: Pool) -> None:
        self._writes = writes

    async def read(self, number: int, caller: Caller) -> Closure:
        """One closure as it is."""
        async with self._writes.transaction() as connection:
            found = await find_closure(connection, number)
        caller.require_site(found.site_id)
        return found

    async def make(self, wish: ClosureWish, caller: Caller, *, dry_run: bool = False) -> Closure:
        """Close a site for a time."""
        caller.require_site(wish.site)
        async with (
            self._writes.transaction() as connection,
            connection.transaction(force_rollback=dry_run),
        ):
            made = await close_site(
                connection,
                site_id=wish.site,
                from_at=wish.from_at,
                until_at=wish.until_at,
                reason=wish.reason,
                made_by=caller.name,
            )
            await _record(connection, caller, "create", None, made)
        return made

    async def change(
        self, number: int, patch: Any, caller: Caller, match: Match, *, dry_run: bool = False
    ) -> tuple[Closure, Closure]:
        """Change what the patch names (RFC 7396): the closure before and after."""
        async with (
            self._writes.transaction() as connection,
            connection.transaction(force_rollback=dry_run),
        ):
            before = await find_closure(connection, number)
            caller.require_site(before.site_id)
            match.require(closure_document(before))
            wish = patched(before, patch)
            after = await change_closure(
                connection, before, from_at=wish.from_at, until_at=wish.until_at, reason=wish.reason
            )
            await _record(connection, caller, "change", before, after)
        return before, after

    async def end(self, number: int, caller: Caller) -> Closure:
        """End it now; one that has not begun is taken back: what is left of it, or what it was."""
        async with self._writes.transaction() as connection:
            caller.require_site((await find_closure(connection, number)).site_id)
            before, after = await end_closure(connection, number)
            await _record(connection, caller, "end", before, after)
        return after or before


async def _record(
    connection: Connection, caller: Caller, action: str, before: Closure | None, after: Closure | None
) -> None:
    known = before or after
    assert known is not None, "there is a closure before or after"
    await record(
        connection,
        actor=caller.name,
        action=f"closure.{action}",
        subject=f"site/{known.site_id}",
        before=None if before is None else closure_body(before),
        after=None if after is None else closure_body(after),
    )
