"""Keys of the API: /manage/keys. A new key is shown once, on the page that answers the form."""

from dataclasses import dataclass, replace
from typing import Final

from fastapi import Request
from starlette.responses import Response

from api.keys import require_within
from api.pages.site import Page
from api.pages.staff.desk import Desk, seen, staff_page
from api.pages.staff.forms import Form, typed, whole_number
from api.pages.staff.words import moment
from api.sessions import Session
from parking.access_keys import MEANING, AccessKey, Scope, checked_name, checked_scopes, checked_sites
from parking.db.access_keys import create_key, find_key, list_keys, revoke_key
from parking.db.key_ring import KeyRing
from parking.db.pool import Pool
from parking.errors import AccessError, InputError

PATH: Final = "/manage/keys"
_DAY_S: Final = 86_400


@dataclass(frozen=True, slots=True)
class KeyLine:
    """One key in words."""

    id: str
    name: str
    state: str
    scopes: str
    sites: str
    ends: str
    used: str


def add_keys(desk: Desk, database: Pool, ring: KeyRing) -> None:
    """Add the list and its forms."""

    async def show(
        request: Request, page: Page, session: Session, form: Form | None = None, made: str = ""
    ) -> Response:
        form = form or Form()
        async with database.transaction() as connection:
            now, found = await list_keys(connection)
        return staff_page(
            page,
            session,
            "staff/keys.html",
            status=422 if form.error else 200,
            form=form,
            made=made,
            keys=[_line(page, key, key.state(now)) for key in found],
            scopes=[(scope.value, MEANING[scope]) for scope in Scope if session.caller.may(scope)],
        )

    async def make(request: Request, page: Page, session: Session) -> Response:
        form = await typed(request)
        chosen = [str(scope) for scope in (await request.form()).getlist("scopes")]
        try:
            scopes = checked_scopes(chosen)
            sites = checked_sites(form.get("sites").split())
            days = whole_number(form.get("days"), name="Days") if form.get("days") else None
            if days is not None and not 1 <= days <= 7305:
                raise InputError(f"Days: must be from 1 to 7305 (found {days})")
            require_within(session.caller, scopes, sites)
            async with database.transaction() as connection:
                _, presented = await create_key(
                    connection,
                    actor=session.caller.name,
                    name=checked_name(form.get("name")),
                    scopes=scopes,
                    sites=sites,
                    expires_s=None if days is None else days * _DAY_S,
                )
        except (AccessError, InputError) as error:
            return await show(request, page, session, replace(form, error=error.message))
        return await show(request, page, session, made=presented.text)

    async def revoke(request: Request, page: Page, session: Session) -> Response:
        async with database.transaction() as connection:
            _, key = await find_key(connection, request.path_params["key_id"])
            await revoke_key(connection, key.id, actor=session.caller.name)
        ring.forget()
        return seen(PATH)

    desk.add(PATH, show, scope=Scope.KEYS_WRITE)
    desk.add(PATH, make, scope=Scope.KEYS_WRITE, methods=("POST",))
    desk.add(f"{PATH}/{{key_id}}/revoke", revoke, scope=Scope.KEYS_WRITE, methods=("POST",))


def _line(page: Page, key: AccessKey, state: str) -> KeyLine:
    return KeyLine(
        key.id,
        key.name,
        state,
        ", ".join(sorted(key.scopes)),
        "all sites" if key.sites is None else ", ".join(key.sites),
        "until it is revoked" if key.expires_at is None else moment(page, key.expires_at),
        "never" if key.last_used_at is None else moment(page, key.last_used_at),
    )
