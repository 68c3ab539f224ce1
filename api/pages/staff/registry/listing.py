"""What there is: /manage/registry, and a list of each kind that can be searched, a page at a time."""

from typing import Any, Final
from urllib.parse import urlencode

from fastapi import Request
from starlette.responses import Response

from api.pages.site import Page
from api.pages.staff.desk import Desk, staff_page
from api.pages.staff.registry.shelf import PATH, Cell, Shelf, path_of
from api.sessions import Session
from parking.access_keys import Scope
from parking.db.pool import Pool
from parking.db.registry_browse import browse, categories, counts, site_names
from parking.registry_documents import Document

PER_PAGE: Final = 50
_MOST: Final = 100_000


def add_lists(desk: Desk, database: Pool, shelves: tuple[Shelf, ...]) -> None:
    """Add the overview and the lists."""

    async def overview(request: Request, page: Page, session: Session) -> Response:
        async with database.transaction() as connection:
            there = await counts(connection, sites=session.caller.sites)
        lines = [(shelf, there[shelf.kind.name], f"{PATH}/{shelf.kind.name}") for shelf in shelves]
        return staff_page(page, session, "staff/registry/index.html", lines=lines)

    def listing(shelf: Shelf) -> None:
        async def listed(request: Request, page: Page, session: Session) -> Response:
            return await _list(database, shelf, request, page, session)

        desk.add(f"{PATH}/{shelf.kind.name}", listed, scope=Scope.REGISTRY_WRITE)

    desk.add(PATH, overview, scope=Scope.REGISTRY_WRITE)
    for shelf in shelves:
        listing(shelf)


async def _list(database: Pool, shelf: Shelf, request: Request, page: Page, session: Session) -> Response:
    asked = {name: request.query_params.get(name, "").strip()[:100] for name in ("q", "site", "category")}
    if asked["site"]:
        session.caller.require_site(asked["site"])
    mine = session.caller.sites if not asked["site"] else {asked["site"].replace("\0", "")}
    number = _number(request.query_params.get("page", ""))
    async with database.transaction() as connection:
        found = await browse(
            connection,
            shelf.kind.name,
            sites=mine,
            text=asked["q"],
            category=asked["category"],
            offset=(number - 1) * PER_PAGE,
            limit=PER_PAGE,
        )
        names = await site_names(connection, sites=session.caller.sites)
        own = [(name, name) for name in await categories(connection)] if shelf.kind.name == "bays" else None
    begin = (number - 1) * PER_PAGE
    return staff_page(
        page,
        session,
        "staff/registry/list.html",
        shelf=shelf,
        asked=asked,
        sites=list(names.items()),
        filter=shelf.filter and (shelf.filter[0], own or list(shelf.filter[1])),
        rows=[_row(shelf, one, names) for one in found.documents],
        total=found.total,
        shown=f"{begin + 1:,} to {begin + len(found.documents):,} of {found.total:,}",
        pager=pager(
            number,
            -(-found.total // PER_PAGE),
            f"{PATH}/{shelf.kind.name}",
            {name: value for name, value in asked.items() if value},
        ),
        removed=request.query_params.get("done") == "removed",
    )


def _row(shelf: Shelf, document: Document, names: dict[str, str]) -> list[Cell]:
    words = document["name"] if shelf.kind.name == "sites" else shelf.id_of(document)
    return [Cell(words, path_of(shelf.kind.name, shelf.id_of(document))), *shelf.cells(document, names)]


def _number(text: str) -> int:
    return max(1, min(int(text), _MOST)) if text.isascii() and text.isdigit() and len(text) < 9 else 1


def pager(number: int, pages: int, path: str, query: dict[str, str]) -> dict[str, Any] | None:
    """What the pagination of the design system is given; None where one page holds all."""
    if pages <= 1:
        return None

    def at(page: int) -> str:
        return f"{path}?{urlencode({**query, 'page': page})}"

    items: list[dict[str, Any]] = []
    for page in sorted({1, pages, *range(max(1, number - 1), min(pages, number + 1) + 1)}):
        if items and page - items[-1]["number"] > 1:
            items.append({"ellipsis": True, "number": page - 1})
        items.append({"number": page, "href": at(page), "current": page == number})
    found: dict[str, Any] = {"items": items}
    if number > 1:
        found["previous"] = {"href": at(number - 1)}
    if number < pages:
        found["next"] = {"href": at(number + 1)}
    return found
