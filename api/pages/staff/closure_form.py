"""The form of a closure: its fields, what is wrong with it, and what it does."""

import re
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from babel.dates import format_datetime

from api.live import LiveSite, LiveView
from api.pages.site import Page
from api.pages.staff.forms import time_at
from api.pages.staff.registry.forms import Problems
from api.pages.staff.registry.sheet import SITES, Field, Part, Sheet
from api.pages.staff.registry.values import Way
from api.pages.staff.words import moment
from api.pages.words import zone_of
from api.prepared import Answers
from parking.db.opening import Closure
from parking.errors import ParkingError, RegistryError
from parking.registry_documents import Document
from parking.sign_rules import Mode

UNENDED: Final = "until further notice"
_STAMP: Final = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+[+-]\d\d:\d\d")


def closure_sheet(timezone: str, *, begun: bool = False) -> Sheet:
    """The form; its times are those of the site. `begun`: its beginning cannot be changed any more."""
    return Sheet(
        (
            Part(
                "The closure",
                (
                    Field(path="site", label="Site", choices=SITES, made_with=True),
                    Field(
                        path="from",
                        label="From",
                        hint="Leave it empty for now. Times are the site’s own.",
                        way=_times(timezone, "now"),
                        made_with=begun,
                    ),
                    Field(
                        path="until",
                        label="Until",
                        hint="Leave it empty for “until further notice”.",
                        way=_times(timezone, UNENDED),
                    ),
                    Field(path="reason", label="Reason", hint="Drivers read this."),
                ),
            ),
        )
    )


def problems_of(
    error: ParkingError, sheet: Sheet, base: Document, page: Page, timezone: str, *, new: bool
) -> Problems:
    """What is wrong, each with its field; times as people at the site say them."""
    if isinstance(error, RegistryError):
        return sheet.problems(error, base, new=new)

    def said(found: re.Match[str]) -> str:
        return moment(page, datetime.fromisoformat(found[0]), timezone)

    text = _STAMP.sub(said, error.message)
    first = re.split(r"\W", text, maxsplit=1)[0]
    named = {field.path for field in sheet.fields(base, new=new)}
    return [(first if first in named else "", text[:1].upper() + text[1:])]


def effects(
    page: Page, view: LiveView, answers: Answers, site: LiveSite, closure: Closure, *, begun: bool = False
) -> list[str]:
    """What a closure does, in sentences: to the site, and to the signs that tell of it."""
    facts = site.facts
    # The form has minutes: what begins within this one begins at once.
    soon = view.clock.now() + timedelta(minutes=1)
    at_once = "" if begun else " at once,"
    begins = at_once if closure.from_at <= soon else f" from {moment(page, closure.from_at, facts.timezone)}"
    ends = UNENDED if closure.until_at is None else f"until {moment(page, closure.until_at, facts.timezone)}"
    notes = [f"{facts.name} is shown as closed{begins} {ends}."]
    words: dict[str, list[str]] = {}
    shared = []
    for id, sign in sorted(view.signs.items()):
        if facts.id not in sign.sites or (rules := answers.board.rules(id)).mode is not Mode.AUTO:
            continue
        if len(sign.sites) > 1:
            shared.append(id)
        else:
            words.setdefault(rules.texts.closed or "nothing", []).append(id)
    for word, signs in words.items():
        notes.append(f"{_named(signs, 'shows', 'show')} {word} then.")
    if shared:
        tell = _named(shared, "tells", "tell")
        notes.append(f"{tell} of other sites too, where this one counts as closed.")
    return notes


def _named(signs: list[str], one: str, many: str) -> str:
    return f"Sign {signs[0]} {one}" if len(signs) == 1 else f"Signs {', '.join(signs)} {many}"


def _times(timezone: str, nothing: str) -> Way:
    return Way(
        partial(_tell, timezone), partial(_read, timezone), time=True, say=lambda text: _say(text) or nothing
    )


def _tell(timezone: str, value: str) -> str:
    return f"{datetime.fromisoformat(value).astimezone(zone_of(timezone)):%Y-%m-%dT%H:%M}"


def _read(timezone: str, text: str) -> str:
    return time_at(text, timezone).isoformat()


def _say(text: str) -> str:
    return text and str(format_datetime(datetime.fromisoformat(text), "d MMM y, HH:mm", locale="en_GB"))
