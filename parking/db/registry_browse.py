"""Looks things of the registry up as people do: by a part of a name, a page at a time."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from parking.db.connect import Connection, statement
from parking.db.registry_read import read_these
from parking.registry_documents import Document


@dataclass(frozen=True, slots=True)
class Found:
    """Some of the `total` things that were looked for, in the order in which they are listed."""

    documents: list[Document]
    total: int


async def browse(
    connection: Connection,
    kind: str,
    *,
    sites: Collection[str] | None,
    text: str = "",
    category: str = "",
    offset: int = 0,
    limit: int,
) -> Found:
    """Things of these sites (None: of all) that have a text in their names.

    `category` is that of a bay, the codec of a device or `stored` for those in the store room, the direction
    of a gate, the mode of a sign; empty: any.
    """
    total, ids = await _row(
        connection,
        kind,
        sites=_listed(sites),
        text=text.replace("\0", ""),
        category=category.replace("\0", ""),
        offset=offset,
        limit=limit,
    )
    places = {id: place for place, id in enumerate(ids)}
    member = "camera" if kind == "gates" else "id"
    documents = await read_these(connection, kind, ids)
    return Found(sorted(documents, key=lambda one: places[one[member]]), total)


async def counts(connection: Connection, *, sites: Collection[str] | None) -> dict[str, int]:
    """How many things of each kind there are at these sites (None: everywhere)."""
    row = await _row(connection, "counts", sites=_listed(sites))
    return dict(zip(("sites", "bays", "devices", "gates", "signs"), row, strict=True))


async def site_names(connection: Connection, *, sites: Collection[str] | None) -> dict[str, str]:
    """The names of these sites (None: of all) by their ids, in the order of the names."""
    cursor = await connection.execute(statement("registry_browse", "names"), {"sites": _listed(sites)})
    return dict(await cursor.fetchall())


async def categories(connection: Connection) -> list[str]:
    """The categories that bays have."""
    cursor = await connection.execute(statement("registry_browse", "categories"))
    return [name for (name,) in await cursor.fetchall()]


async def _row(connection: Connection, name: str, **parameters: Any) -> tuple[Any, ...]:
    cursor = await connection.execute(statement("registry_browse", name), parameters)
    (row,) = await cursor.fetchall()
    return tuple(row)


def _listed(sites: Collection[str] | None) -> list[str] | None:
    return None if sites is None else sorted(sites)
