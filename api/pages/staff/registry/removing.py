"""Taking a thing out of use, once it is sure that this is meant: /manage/registry/{kind}/{id}/remove."""

from http import HTTPStatus

from fastapi import Request
from starlette.responses import Response

from api.pages.site import Page
from api.pages.staff.desk import Desk, seen, staff_page
from api.pages.staff.registry.forms import kept, match_of, read_thing, sent_form
from api.pages.staff.registry.shelf import PATH, Shelf, list_of, path_of
from api.problems import Refused
from api.registry import may_see
from api.registry_editor import Editor
from api.sessions import Session
from parking.access_keys import Scope
from parking.db.pool import Pool
from parking.errors import ConflictError

_CHANGED = "It has changed since you opened this page. Look at it again before you decide."


def add_removing(desk: Desk, database: Pool, shelf: Shelf) -> None:
    """Add the page that removes things of one kind."""
    editor, kind = Editor(database, shelf.kind), shelf.kind

    async def ask(
        request: Request, page: Page, session: Session, *, problem: str = "", status: int = 200
    ) -> Response:
        id = request.path_params["id"]
        thing = await read_thing(database, editor, id)
        may_see(session.caller, kind, thing)
        base = kind.told(thing)
        fields = shelf.sheet.changes({}, base)
        return staff_page(
            page,
            session,
            "staff/registry/remove.html",
            status=status,
            shelf=shelf,
            id=id,
            base=kept(base),
            problem=problem,
            facts=[(label, now) for label, _, now in fields],
            path=path_of(kind.name, id),
        )

    async def remove(request: Request, page: Page, session: Session) -> Response:
        id = request.path_params["id"]
        _, base = await sent_form(request, of=(kind.id, id))
        try:
            await editor.delete(id, session.caller, match_of(base))
        except ConflictError as error:
            return await ask(request, page, session, problem=error.message, status=HTTPStatus.CONFLICT)
        except Refused as error:
            if error.status != HTTPStatus.PRECONDITION_FAILED:
                raise
            return await ask(request, page, session, problem=_CHANGED, status=error.status)
        return seen(list_of(kind.name, done="removed"))

    path = f"{PATH}/{kind.name}/{{id}}/remove"
    desk.add(path, ask, scope=Scope.REGISTRY_WRITE)
    desk.add(path, remove, scope=Scope.REGISTRY_WRITE, methods=("POST",))
