"""What the forms for adding, changing and removing have in common."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
from fastapi import Request
from starlette.responses import Response

from api.pages.site import Page
from api.pages.staff.desk import staff_page
from api.pages.staff.forms import Form, typed
from api.pages.staff.registry.sheet import Sheet
from api.registry import Match, etag_of
from api.registry_editor import Editor
from api.sessions import Session
from parking.db.pool import Pool
from parking.db.registry_browse import site_names
from parking.db.registry_read import read_one
from parking.errors import InputError
from parking.registry_documents import Document

MOST_TYPED = 20_000
"""Characters of one field: a list of a hundred lines."""
Problems = list[tuple[str, str]]
"""What is wrong: the path of the field (empty: of none) and a sentence."""
NOTHING_CHANGES: Final = "Nothing would change: all of it is so already."
CHANGED_MEANWHILE: Final = (
    "Somebody changed this while you did, and nothing of yours was saved. Look at what they changed, and "
    "continue if yours still holds."
)


async def sent_form(request: Request, *, of: tuple[str, Any] | None = None) -> tuple[Form, Document]:
    """What was typed, and the thing as its page knew it. Raises InputError.

    `of`: the member that has the thing's id, and the id that it must be.
    """
    form = await typed(request, most=MOST_TYPED)
    try:
        base = msgspec.json.decode(form.get("base").encode())
    except (msgspec.DecodeError, RecursionError):
        base = None
    if not isinstance(base, dict) or (of is not None and base.get(of[0]) != of[1]):
        raise InputError("This form did not come whole. Open its page again; nothing was changed.")
    return form, base


def kept(base: Document) -> str:
    """A thing as the form keeps it, so that it is known what its changer has seen."""
    return msgspec.json.encode(base).decode()


def match_of(base: Document) -> Match:
    """The condition that the thing is still as its changer has seen it."""
    return Match(etag_of(base))


def form_page(
    page: Page,
    session: Session,
    sheet: Sheet,
    base: Document,
    *,
    new: bool,
    values: Mapping[str, str] | None = None,
    problems: Problems = [],  # noqa: B006 - it is read
    status: int = 200,
    **told: Any,
) -> Response:
    """The form of `sheet` for a thing as it is in `base`, with `values` in its fields where they were typed.

    `told`: title, above, path and back, which each form has; what only some have is named here.
    """
    context = {"sites": (), "related": (), "removing": "", "done": "", "stale": ()} | told
    return staff_page(
        page,
        session,
        "staff/registry/edit.html",
        status=status,
        parts=sheet.shown(base, new=new),
        values=sheet.values(base, new=new) if values is None else values,
        problems=problems,
        wrong={path: text for path, text in reversed(problems)},
        base=kept(base),
        new=new,
        **context,
    )


def preview_page(
    page: Page,
    session: Session,
    sheet: Sheet,
    base: Document,
    values: Mapping[str, str],
    *,
    new: bool,
    changes: Sequence[tuple[str, str, str]],
    notes: Sequence[str],
    **told: Any,
) -> Response:
    """What would change, and what follows from it; it keeps what was typed. `told`: as in `form_page`."""
    return staff_page(
        page,
        session,
        "staff/registry/preview.html",
        changes=changes,
        notes=notes,
        kept={field.path: values.get(field.path, "") for field in sheet.fields(base, new=new)},
        base=kept(base),
        new=new,
        **told,
    )


def changed_by_others(
    sheet: Sheet, base: Document, now: Document, mine: Document
) -> list[tuple[str, str, str, str]]:
    """Fields that somebody else changed: label, as it was, as it is, and as it would be with this change."""
    return [
        (field.label, field.said(base), field.said(now), field.said(mine))
        for field in sheet.fields(now, new=False)
        if field.told(base) != field.told(now)
    ]


async def choices(database: Pool, session: Session) -> dict[str, Any]:
    """The sites that fields offer, for the template."""
    async with database.transaction() as connection:
        names = await site_names(connection, sites=session.caller.sites)
    return {"sites": list(names.items())}


async def read_thing(database: Pool, editor: Editor, id: str) -> Document:
    """A thing with its site, as it is now. Raises NotFound."""
    async with database.transaction() as connection:
        found = await read_one(connection, editor.kind.name, id)
    if found is None:
        raise editor.missing(id)
    return found
