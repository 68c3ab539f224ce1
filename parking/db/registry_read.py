"""Reads the registry back from the database, as `parking.registry_documents` makes it of a file."""

from collections.abc import AsyncIterator, Callable, Collection, Sequence
from typing import Any

import msgspec
from pydantic import ValidationError

from parking.db.connect import Connection, statement
from parking.registry_documents import Document, sensor_document, sign_document
from parking.registry_signs import Sign

SITES_AT_ONCE = 50
"""Of a whole registry, so many sites are in memory."""


async def walk_registry(
    connection: Connection, *, sites: Collection[str] | None = None
) -> AsyncIterator[Document]:
    """Each site with all that it has, in the order of ids; of these sites or of all. In one transaction."""
    after = ""
    while chunk := await read_page(connection, "sites", sites=sites, after=after, limit=SITES_AT_ONCE):
        after = chunk[-1]["id"]
        for document in await _filled(connection, chunk):
            yield document


async def read_sites(connection: Connection, sites: Collection[str]) -> dict[str, Document]:
    """Those of these sites that there are, with all that they have, by id."""
    return {document["id"]: document async for document in walk_registry(connection, sites=sites)}


async def read_page(
    connection: Connection,
    kind: str,
    *,
    sites: Collection[str] | None = None,
    after: str = "",
    limit: int | None = None,
) -> list[Document]:
    """Things of one kind (sites, bays, devices, gates, signs) after an id, of these sites or of all."""
    return await _documents(connection, kind, sites=sites, ids=None, after=after, limit=limit)


async def read_one(connection: Connection, kind: str, id: str) -> Document | None:
    """One thing, None if there is none."""
    if "\0" in id:
        return None
    found = await read_these(connection, kind, [id])
    return found[0] if found else None


async def read_these(connection: Connection, kind: str, ids: Sequence[str]) -> list[Document]:
    """Those of these things that there are, by id."""
    return await _documents(connection, kind, sites=None, ids=list(ids), after="", limit=None)


async def _documents(connection: Connection, kind: str, **parameters: Any) -> list[Document]:
    sites = parameters["sites"]
    parameters["sites"] = None if sites is None else sorted(sites)
    cursor = await connection.execute(statement("registry_read", kind), parameters)
    return [_OF[kind](*row) for row in await cursor.fetchall()]


async def _filled(connection: Connection, sites: list[Document]) -> list[Document]:
    """Sites with what they have."""
    by_id = {site["id"]: {**site, "bays": [], "gates": [], "signs": []} for site in sites}
    for kind in ("bays", "gates", "signs"):
        for document in await read_page(connection, kind, sites=by_id):
            by_id[document.pop("site")][kind].append(document)
    return list(by_id.values())


def _site(
    id: str,
    name: str,
    kind: str,
    counting: str,
    capacity: int | None,
    timezone: str,
    lon: float | None,
    lat: float | None,
    status: str,
    details: Document,
    began_with: int | None,
) -> Document:
    return {
        "id": id,
        "name": name,
        "kind": kind,
        "counting": counting,
        "timezone": timezone,
        **({} if capacity is None else {"capacity": capacity}),
        **({"initial_count": began_with} if began_with else {}),
        **({} if status == "open" else {"status": status}),
        **_location(lon, lat),
        **details,
    }


def _bay(
    id: str,
    site: str,
    category: str,
    lon: float | None,
    lat: float | None,
    details: Document,
    device: str | None,
    codec: str,
    heartbeat_s: int,
) -> Document:
    sensor = {} if device is None else {"sensor": sensor_document(device, codec, heartbeat_s)}
    return {"id": id, "site": site, "category": category, **_location(lon, lat), **sensor, **details}


def _device(id: str, codec: str, heartbeat_s: int, bay: str | None, site: str | None) -> Document:
    return {**sensor_document(id, codec, heartbeat_s), "bay": bay, "site": site}


def _gate(camera: str, site: str, direction: str, details: Document) -> Document:
    return {"camera": camera, "site": site, "direction": direction, **details}


def _sign(id: str, site: str, details: Document, sites: list[str]) -> Document:
    try:
        sign = Sign.kept(id, sites, details)
    except ValidationError:  # by the rules of a version before; it is given as it is kept
        return {"id": id, "site": site, "sites": sites, **details}
    return {**sign_document(sign, listed_under=site), "site": site}


def _location(lon: float | None, lat: float | None) -> Document:
    return {} if lon is None or lat is None else {"location": {"lon": lon, "lat": lat}}


_OF: dict[str, Callable[..., Document]] = {
    "sites": _site,
    "bays": _bay,
    "devices": _device,
    "gates": _gate,
    "signs": _sign,
}


async def export(connection: Connection, *, sites: Collection[str] | None = None) -> AsyncIterator[bytes]:
    """A registry file that imports to what is in the database, a site at a time; of one moment.

    First in a transaction.
    """
    await connection.execute(statement("schema", "one_snapshot"))
    before = b'{"sites": [\n'
    async for document in walk_registry(connection, sites=sites):
        yield before + msgspec.json.encode(document)
        before = b",\n"
    yield b"\n]}\n" if before == b",\n" else b'{"sites": []}\n'
