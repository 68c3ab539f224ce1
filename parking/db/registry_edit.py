"""Changes one thing of the registry: the documents of its sites are edited and imported, as a file would be.

So whatever holds for a file holds for each change, also for devices that move.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass

from parking.db.audit import record
from parking.db.connect import Connection, statement
from parking.db.registry import import_registry
from parking.db.registry_read import read_one, read_sites
from parking.devices import DEVICE_TYPES
from parking.errors import ConflictError, Fault
from parking.registry import parse_registry
from parking.registry_documents import Document
from parking.registry_things import PARTS, Kind, refused

Change = Callable[[Document | None, Document | None], Document | None]
"""From a thing as it is, None if it is not there, and its site with all that it has, to what it shall be."""


@dataclass(frozen=True, slots=True)
class Edited:
    """A thing before and after; None where it was not, or is no more."""

    before: Document | None
    after: Document | None


async def edit_thing(
    connection: Connection,
    kind: Kind,
    id: str,
    *,
    change: Change,
    actor: str,
    may: Callable[[str | None], None],
    dry_run: bool = False,
) -> Edited:
    """Change, make or remove a thing, in a transaction; one at a time in all processes.

    `may` raises for a site (None: the store room) at which the actor may do nothing; `dry_run`: all is done
    and then undone. Raises RegistryError, ConflictError, and whatever `change` does.
    """
    async with connection.transaction(force_rollback=dry_run):
        return await _edited(connection, kind, id, change=change, actor=actor, may=may)


async def _edited(
    connection: Connection,
    kind: Kind,
    id: str,
    *,
    change: Change,
    actor: str,
    may: Callable[[str | None], None],
) -> Edited:
    await connection.execute(statement("registry", "lock"))
    before = await read_one(connection, kind.name, id)
    at = _site_of(kind, before)
    if before is not None:
        may(at)
    documents = await read_sites(connection, [] if at is None else [at])
    after = change(before, documents.get(at or ""))
    if before is not None and after == kind.told(before):
        return Edited(before, before)
    await _Edit(connection, kind, id, documents, may).apply(before, after)
    done = Edited(before, await read_one(connection, kind.name, id))
    action = "remove" if after is None else "create" if before is None else "change"
    await record(
        connection,
        actor=actor,
        action=f"registry.{action}",
        subject=f"{kind.one}/{id}",
        before=done.before,
        after=done.after,
    )
    return done


@dataclass(frozen=True, slots=True)
class _Edit:
    """One change: `documents` are the sites that it is about."""

    connection: Connection
    kind: Kind
    id: str
    documents: dict[str, Document]
    may: Callable[[str | None], None]

    async def apply(self, before: Document | None, after: Document | None) -> None:
        """Make it so."""
        match self.kind.name:
            case "sites":
                await self._site(before, after)
            case "devices":
                await self._device(before, after)
            case _:
                await self._part(before, after)

    async def _site(self, before: Document | None, after: Document | None) -> None:
        self.may(self.id)
        if after is None:
            return await self._retire()
        if before is not None and after.get("initial_count") != before.get("initial_count"):
            given = str(after.get("initial_count", 0))
            raise refused(
                "site", Fault("initial_count", given, "counting began with it; correct the count instead")
            )
        self.documents[self.id] = {**_parts(self.documents.get(self.id)), **after}
        await self._import()

    async def _retire(self) -> None:
        """A site that is no more is closed and empty, and no sign elsewhere tells of it."""
        cursor = await self.connection.execute(statement("registry", "told_elsewhere"), {"site": self.id})
        if told := [sign for (sign,) in await cursor.fetchall()]:
            raise ConflictError(f"Signs of other sites tell of {self.id!r}: {', '.join(told[:20])}.")
        site = self.documents[self.id]
        self.documents[self.id] = {**site, "status": "closed", **_parts(None)}
        await self._import()
        await self.connection.execute(statement("registry", "retire_site"), {"site": self.id})

    async def _part(self, before: Document | None, after: Document | None) -> None:
        if before is not None:
            part = self.documents[before["site"]][self.kind.name]
            part[:] = [one for one in part if one[self.kind.id] != self.id]
        if after is not None:
            site = await self._at(after["site"])
            for other in after.get("sites", ()):
                self.may(other)
            if self.kind.name == "bays" and "sensor" in after:
                await self._free(after["sensor"]["id"])
            site[self.kind.name].append({key: value for key, value in after.items() if key != "site"})
        await self._import()

    async def _at(self, site: str) -> Document:
        """The document of the site to which a thing shall belong."""
        self.may(site)
        if site not in self.documents:
            self.documents.update(await read_sites(self.connection, [site]))
        if site not in self.documents:
            raise refused(self.kind.one, Fault("site", site, "there is no site with this id"))
        return self.documents[site]

    async def _free(self, device: str) -> None:
        """A device that watches another bay is not taken from it by the way."""
        now = await read_one(self.connection, "devices", device)
        if now is not None and now["bay"] not in (None, self.id):
            raise ConflictError(
                f"Device {device!r} watches bay {now['bay']!r}. First move it, with `bay` of the device."
            )

    async def _device(self, before: Document | None, after: Document | None) -> None:
        bay = None if after is None else after["bay"]
        if before is not None and before["bay"] is not None:
            _bay(self.documents, before["bay"]).pop("sensor")
        if after is not None and bay is not None:
            found = await read_one(self.connection, "bays", bay)
            if found is None:
                raise refused("device", Fault("bay", bay, "there is no bay with this id"))
            await self._at(found["site"])
            place = _bay(self.documents, bay)
            if "sensor" in place:
                other = place["sensor"]["id"]
                raise ConflictError(f"Bay {bay!r} is watched by {other!r}: move that one first.")
            place["sensor"] = {key: value for key, value in after.items() if key not in ("bay", "site")}
        await self._import()
        if after is None:
            await self.connection.execute(statement("registry", "remove_device"), {"device": self.id})
        elif bay is None:
            self.may(None)
            await self._store(after)

    async def _store(self, device: Document) -> None:
        """What is known of a device in the store room is no site's."""
        row = {
            "device_id": self.id,
            "bay_id": None,
            "codec": device["codec"],
            "heartbeat_s": device.get("heartbeat_s") or DEVICE_TYPES[device["codec"]].heartbeat_s,
        }
        await self.connection.execute(statement("registry", "upsert_devices"), {"rows": json.dumps([row])})
        await self.connection.execute(statement("registry", "notify"))

    async def _import(self) -> None:
        cursor = await self.connection.execute(statement("registry", "site_ids"))
        known = {site for (site,) in await cursor.fetchall()}
        document = {"sites": list(self.documents.values())}
        registry = parse_registry(document, source=f"{self.kind.one} {self.id}", known=known)
        await import_registry(self.connection, registry)


def _site_of(kind: Kind, document: Document | None) -> str | None:
    """The site that a thing belongs to; None for a device in the store room."""
    if document is None:
        return None
    site: str | None = document["id"] if kind.name == "sites" else document["site"]
    return site


def _parts(site: Document | None) -> Document:
    """What a site has."""
    return {part: (site or {}).get(part, []) for part in PARTS}


def _bay(documents: dict[str, Document], bay: str) -> Document:
    """The document of a bay of one of these sites."""
    found: Document = next(one for site in documents.values() for one in site["bays"] if one["id"] == bay)
    return found
