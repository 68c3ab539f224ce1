"""Overriding signs: /manage/signs. What each shows and why, and a form that makes it show something else."""

from dataclasses import dataclass, replace
from datetime import timedelta

from fastapi import Request
from starlette.responses import Response

from api.live import LiveView
from api.pages.led import Lamps
from api.pages.signs import shown
from api.pages.site import Page
from api.pages.staff.desk import Desk, seen, staff_page
from api.pages.staff.forms import Form, typed
from api.pages.staff.words import moment
from api.prepared import Answers
from api.sessions import Session
from parking.access_keys import Scope
from parking.db.pool import Pool
from parking.db.sign_overrides import MAX_REASON, end_override, history, set_override, sign_of
from parking.errors import InputError
from parking.sign_rules import Mode

PATH = "/manage/signs"
FOR_MIN = (15, 30, 60, 120, 240, 480, 1440, 7 * 1440)
SHOWS = {
    Mode.BLANK: "nothing",
    Mode.FULL: "its word for full",
    Mode.CLOSED: "its word for closed",
    Mode.TEST: "its test",
}
TOLD = 50


@dataclass(frozen=True, slots=True)
class SignLine:
    """One sign: what it shows, why, and what was set on it."""

    id: str
    name: str
    text: str
    reason: str
    lamps: Lamps


def add_overrides(desk: Desk, view: LiveView, answers: Answers, database: Pool) -> None:
    """Add the list of signs, and each sign's form and history."""

    async def listed(request: Request, page: Page, session: Session) -> Response:
        view.require_loaded()
        now = view.clock.now()
        mine = [
            sign
            for sign, facts in view.signs.items()
            if session.caller.sites is None or session.caller.sites.issuperset(facts.sites)
        ]
        signs = [_line(view, answers, page, sign) for sign in sorted(mine)]
        return staff_page(page, session, "staff/signs.html", signs=signs, now=now)

    async def one(request: Request, page: Page, session: Session, form: Form | None = None) -> Response:
        sign = request.path_params["sign_id"]
        async with database.transaction() as connection:
            _, sites = await sign_of(connection, sign)
            for site in sites:
                session.caller.require_site(site)
            told = await history(connection, sign, limit=TOLD)
        form = form or Form()
        return staff_page(
            page,
            session,
            "staff/sign.html",
            status=422 if form.error else 200,
            form=form,
            sign=_line(view, answers, page, sign),
            shows=[(mode.value, words) for mode, words in SHOWS.items()],
            lengths=[(str(minutes), _length(minutes)) for minutes in FOR_MIN],
            most=MAX_REASON,
            override=told.override,
            until=moment(page, told.override.until) if told.override else "",
            polled=moment(page, told.polled_at) if told.polled_at else "",
            told=[(moment(page, each.told_at), each.text, each.reason) for each in told.messages],
        )

    async def change(request: Request, page: Page, session: Session) -> Response:
        sign, form = request.path_params["sign_id"], await typed(request)
        try:
            async with database.transaction() as connection:
                _, sites = await sign_of(connection, sign)
                for site in sites:
                    session.caller.require_site(site)
                if form.get("do") == "resume":
                    await end_override(connection, sign, actor=session.caller.name)
                else:
                    await set_override(
                        connection,
                        sign,
                        text=_shown(form.get("show")),
                        until=_until(form.get("for")),
                        reason=form.get("reason"),
                        actor=session.caller.name,
                    )
        except InputError as error:
            return await one(request, page, session, replace(form, error=error.message))
        return seen(f"{PATH}/{sign}")

    desk.add(PATH, listed, scope=Scope.SIGNS_WRITE)
    desk.add(PATH + "/{sign_id}", one, scope=Scope.SIGNS_WRITE)
    desk.add(PATH + "/{sign_id}", change, scope=Scope.SIGNS_WRITE, methods=("POST",))


def _line(view: LiveView, answers: Answers, page: Page, sign: str) -> SignLine:
    now = shown(view, answers, page, sign, view.clock.now())
    return SignLine(now.id, now.name, now.words, now.reason, now.lamps)


def _shown(text: str) -> Mode:
    if text not in {mode.value for mode in SHOWS}:
        raise InputError("show: choose what the sign is to show")
    return Mode(text)


def _until(text: str) -> timedelta:
    if not text.isdigit() or int(text) not in FOR_MIN:
        raise InputError("for: choose for how long")
    return timedelta(minutes=int(text))


def _length(minutes: int) -> str:
    if minutes % 1440 == 0:
        return "1 day" if minutes == 1440 else f"{minutes // 1440} days"
    return f"{minutes} minutes" if minutes < 60 else "1 hour" if minutes == 60 else f"{minutes // 60} hours"
