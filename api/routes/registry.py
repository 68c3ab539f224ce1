"""The registry over HTTP: /v1/registry/{sites,bays,devices,gates,signs}."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request
from starlette.responses import Response

from api.access import Caller, needs
from api.answers import GUARDED, documented
from api.registry import may_see, page_answer, schema_name, thing_answer
from parking.access_keys import Scope
from parking.db.pool import Pool
from parking.db.registry_read import read_one, read_page
from parking.errors import NotFound
from parking.registry_things import KINDS, Kind

Keeper = Annotated[Caller, Depends(needs(Scope.REGISTRY_WRITE))]
Id = Annotated[str, Path(max_length=100)]
Site = Annotated[str | None, Query(max_length=100, description="only of this site")]
Cursor = Annotated[str, Query(max_length=100, pattern=r"^[^\x00]*$", description="`next` of the page before")]
Limit = Annotated[int, Query(ge=1, le=1000, description="most on one page")]


def registry_router(database: Pool) -> APIRouter:
    """Routes that list things of the registry and give each."""
    router = APIRouter(tags=["Registry"])
    for kind in KINDS.values():
        _add_reads(router, kind, database)
    return router


def _add_reads(router: APIRouter, kind: Kind, database: Pool) -> None:
    async def listed(caller: Keeper, site: Site = None, cursor: Cursor = "", limit: Limit = 100) -> Response:
        if site is not None:
            caller.require_site(site)
        sites = caller.sites if site is None else {site.replace("\0", "\ufffd")}
        async with database.transaction() as connection:
            found = await read_page(connection, kind.name, sites=sites, after=cursor, limit=limit + 1)
        return page_answer(kind.name, [kind.told(one) for one in found], limit=limit, id=kind.id)

    async def one(request: Request, id: Id, caller: Keeper) -> Response:
        async with database.transaction() as connection:
            found = await read_one(connection, kind.name, id)
        if found is None:
            raise NotFound(f"There is no {kind.one} with the id {id!r:.100}.")
        may_see(caller, kind, found)
        return thing_answer(request, kind.told(found))

    name = schema_name(kind)
    router.add_api_route(
        f"/v1/registry/{kind.name}",
        listed,
        responses=documented(f"{name}Page", 422, *GUARDED),
        summary=f"All {kind.name}, by id",
        description=f"The {kind.name} that are in use, some at a time; a key bound to sites sees theirs.",
        operation_id=f"registry_{kind.name}",
    )
    router.add_api_route(
        f"/v1/registry/{kind.name}/{{id}}",
        one,
        responses=documented(name, 304, 404, 422, *GUARDED),
        summary=f"One {kind.one}",
        description="What the registry says of it, with the ETag that a change of it needs.",
        operation_id=f"registry_{kind.one}",
    )
