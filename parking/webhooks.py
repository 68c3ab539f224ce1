"""Webhooks: which changes are told to whom, and how a message is signed and tried again.

The form of messages, signatures and tries is that of Standard Webhooks (standardwebhooks.com, 1.0).
"""

import secrets
from base64 import b32encode, b64encode
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final
from urllib.parse import urlsplit

from parking.errors import AccessError


class Event(StrEnum):
    """What a webhook can be told of a site."""

    AVAILABILITY = "site.availability"
    STATUS = "site.status"
    FULL = "site.full"
    STALE = "site.stale"


MEANING: Final = {
    Event.AVAILABILITY: "the published number changed",
    Event.STATUS: "the site opened or closed",
    Event.FULL: "the last space known to be free was taken, or one is free again",
    Event.STALE: "the number became too old to be relied on, or is fresh again",
}
"""When each is sent."""

PING: Final = "ping"
"""What is sent to try a webhook: no change of a site."""

WAITS_S: Final = (5.0, 300.0, 1800.0, 7200.0, 18_000.0, 36_000.0, 50_400.0, 72_000.0, 86_400.0)
"""How long to wait after each try that failed, as Standard Webhooks has it; then a message is given up."""

EVERY_S: Final = 60
"""Least seconds between two numbers of one site, unless a webhook says otherwise."""
_SECRET_BYTES: Final = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """What is known of a webhook, its secret left out. `sites` None: all."""

    id: str
    name: str
    url: str
    events: frozenset[Event]
    sites: tuple[str, ...] | None
    every_s: int
    created_at: datetime
    created_by: str
    former_until: datetime | None
    paused_at: datetime | None
    paused_why: str | None
    failing_since: datetime | None
    delivered_at: datetime | None
    waiting: int

    @property
    def state(self) -> str:
        """`well`, `failing` or `paused`."""
        if self.paused_at is not None:
            return "paused"
        return "well" if self.failing_since is None else "failing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A message to a webhook; `next_try_at` None: it has ended, as `outcome` says."""

    id: str
    site: str
    event: str
    made_at: datetime
    next_try_at: datetime | None
    tries: int
    ended_at: datetime | None
    outcome: str | None


def new_id() -> str:
    """An id that no webhook had before."""
    return b32encode(secrets.token_bytes(8)).decode().rstrip("=").lower()[:10]


def new_message_id() -> str:
    """An id by which a receiver tells a message from its copies."""
    return "msg_" + b32encode(secrets.token_bytes(15)).decode().lower()


def new_secret() -> bytes:
    """What messages are signed with."""
    return secrets.token_bytes(_SECRET_BYTES)


def secret_text(secret: bytes) -> str:
    """The secret as its receiver is given it."""
    return "whsec_" + b64encode(secret).decode()


def checked_url(url: str) -> str:
    """An address that messages can go to. Raises AccessError; whether its host may be asked is seen later."""
    rule = "must be https://host[:port]/path, at most 2000 characters, without user name, password or #"
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise AccessError(f"url: {rule} (found {url!r:.120})") from None
    usable = (
        parts.scheme in ("https", "http")
        and parts.hostname
        and parts.username is None
        and not parts.fragment
        and port != 0
        and url.isascii()
        and url.isprintable()
        and " " not in url
        and len(url) <= 2000
    )
    if not usable:
        raise AccessError(f"url: {rule} (found {url!r:.120})")
    return url


def checked_events(events: Iterable[str]) -> frozenset[Event]:
    """Events from their names. Raises AccessError that names the one that is none."""
    found = set()
    for event in events:
        try:
            found.add(Event(event))
        except ValueError:
            raise AccessError(f"events: {event!r:.60} is none; there are {', '.join(Event)}") from None
    if not found:
        raise AccessError(f"events: give at least one of {', '.join(Event)}")
    return frozenset(found)


def checked_every(every_s: int) -> int:
    """Least seconds between two numbers of a site. Raises AccessError."""
    if not 1 <= every_s <= 86_400:
        raise AccessError(f"every_s: must be from 1 to 86400 seconds (found {every_s})")
    return every_s


def wait_s(tries: int) -> float | None:
    """How long to wait after so many tries that failed, None to give up."""
    return WAITS_S[tries - 1] if tries <= len(WAITS_S) else None
