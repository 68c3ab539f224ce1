"""What the forms for adding, changing and removing have in common."""

from typing import Any

import msgspec
from fastapi import Request

from api.pages.staff.forms import Form, typed
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
