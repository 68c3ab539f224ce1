"""What forms of staff have in common: values as people type them, and errors told in place."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from fastapi import Request

from api.pages.words import zone_of
from parking.errors import InputError


@dataclass(frozen=True, slots=True)
class Form:
    """What was typed, and what is wrong with it."""

    values: Mapping[str, str] = field(default_factory=dict)
    error: str = ""

    def get(self, name: str, default: str = "") -> str:
        """A value as it was typed."""
        return self.values.get(name, default)


async def typed(request: Request, *, most: int = 2000) -> Form:
    """What was sent, without files; of each value at most so many characters."""
    sent = await request.form()
    return Form({name: value.strip()[:most] for name, value in sent.items() if isinstance(value, str)})


def local_time(text: str, timezone: str, *, name: str) -> datetime | None:
    """A time of a `datetime-local` field at that place; None where nothing was typed. Raises InputError."""
    try:
        return time_at(text, timezone) if text else None
    except ValueError as error:
        raise InputError(f"{name}: {error} (found {text[:40]!r})") from None


def time_at(text: str, timezone: str) -> datetime:
    """A time as a `datetime-local` field has it, at that place. Raises ValueError with the rule.

    A time that the clock skips in spring is the one after it; of one that comes twice in autumn it is the
    first.
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError("must be a date and a time, such as 2026-11-29T18:30") from None
    zone: ZoneInfo = zone_of(timezone)
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=zone)


def whole_number(text: str, *, name: str) -> int:
    """A number that was typed. Raises InputError."""
    if not (text.isascii() and text.isdigit() and len(text) <= 9):
        raise InputError(f"{name}: must be a whole number (found {text[:40]!r})")
    return int(text)
