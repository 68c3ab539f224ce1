"""Changes of one thing of the registry, each with its condition, its check and its row in the audit log.

The routes and the pages of staff both go through here.
"""

from typing import Any

from api.access import Caller
from api.registry import Match, may_see_site
from parking.db.pool import Pool
from parking.db.registry_edit import Change, Edited, edit_thing
from parking.errors import Fault, NotFound
from parking.registry_documents import Document
from parking.registry_things import Kind, merged, refused


class Editor:
    """Changes things of one kind. `dry_run`: all is checked as if it were done, and then undone.

    Raises RegistryError, ConflictError, NotFound, DatabaseUnavailable; Refused where the condition does not
    hold or the caller may not.
    """

    def __init__(self, writes: Pool, kind: Kind) -> None:
        self._writes = writes
        self.kind = kind

    async def put(
        self, id: str, document: Any, caller: Caller, match: Match, *, dry_run: bool = False
    ) -> Edited:
        """Make it so, whatever it was."""

        def change(before: Document | None, site: Document | None) -> Document:
            match.require(self._told(before))
            return self._checked(id, document, site)

        return await self._edit(id, change, caller, dry_run=dry_run)

    async def patch(
        self, id: str, patch: Any, caller: Caller, match: Match, *, dry_run: bool = False
    ) -> Edited:
        """Change what the patch names (RFC 7396)."""

        def change(before: Document | None, site: Document | None) -> Document:
            if before is None:
                raise self.missing(id)
            match.require(self._told(before))
            if not isinstance(patch, dict):
                raise refused(self.kind.one, Fault("body", None, "a merge patch is a JSON object"))
            return self._checked(id, merged(self._told(before), patch), site)

        return await self._edit(id, change, caller, dry_run=dry_run)

    async def delete(self, id: str, caller: Caller, match: Match, *, dry_run: bool = False) -> Edited:
        """Take it out of use."""

        def change(before: Document | None, site: Document | None) -> None:
            if before is None:
                raise self.missing(id)
            match.require(self._told(before))

        return await self._edit(id, change, caller, dry_run=dry_run)

    def missing(self, id: str) -> NotFound:
        """The error for an id that nothing has."""
        return NotFound(f"There is no {self.kind.one} with the id {id!r:.100}.")

    async def _edit(self, id: str, change: Change, caller: Caller, *, dry_run: bool) -> Edited:
        async with self._writes.transaction() as connection:
            return await edit_thing(
                connection,
                self.kind,
                id,
                change=change,
                actor=caller.name,
                may=lambda site: may_see_site(caller, site),
                dry_run=dry_run,
            )

    def _checked(self, id: str, document: Any, site: Document | None) -> Document:
        kind = self.kind
        if isinstance(document, dict):
            document = {kind.id: id, **document}
        settled = kind.checked(document, of=site)
        if settled[kind.id] != id:
            raise refused(kind.one, Fault(kind.id, settled[kind.id], f"must be that of the address, {id}"))
        return settled

    def _told(self, document: Document | None) -> Document | None:
        return None if document is None else self.kind.told(document)
