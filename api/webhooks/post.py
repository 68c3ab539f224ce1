"""Posts one message: signed, within a time, to an address that may be asked, and what became of it."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Final
from urllib.parse import urlsplit

import httpcore
from standardwebhooks import Webhook as Signer

from api.webhooks.guard import GuardedBackend, is_named
from parking.db.webhooks import Due
from parking.settings import Network
from parking.webhooks import wait_s

PATIENCE_S: Final = 15.0
"""A receiver answers within so long; what it does with a message it does later."""
_LONGEST_ASKED_S = 3600.0
_USER_AGENT = "smart-parking-webhooks/1"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a try, in words. `wait_s` None: it ended. `pause`: why no more is to be sent there."""

    arrived: bool
    words: str
    wait_s: float | None = None
    pause: str | None = None


class Poster:
    """Sends messages, over connections that are kept a while."""

    def __init__(self, allowed: Sequence[Network], *, patience_s: float = PATIENCE_S) -> None:
        self._allowed = allowed
        self._patience_s = patience_s
        self._pool = httpcore.AsyncConnectionPool(
            network_backend=GuardedBackend(allowed), max_connections=50, keepalive_expiry=30.0
        )

    async def __aenter__(self) -> "Poster":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._pool.aclose()

    async def post(self, due: Due) -> Outcome:
        """Try to send one message. Redirects are not followed: they would lead past the check."""
        parts = urlsplit(due.url)
        if parts.scheme != "https" and not is_named(parts.hostname or "", self._allowed):
            return _failed(due, "plain http goes only to addresses that PARKING_WEBHOOK_NETWORKS names")
        try:
            async with asyncio.timeout(self._patience_s):
                status, retry_after = await self._send(due)
        except TimeoutError:
            return _failed(due, f"no answer within {self._patience_s:g} s")
        except (
            httpcore.NetworkError,
            httpcore.ProtocolError,
            httpcore.TimeoutException,
            ValueError,
        ) as error:
            return _failed(due, str(error)[:300] or type(error).__name__)
        return _judged(due, status, retry_after)

    async def _send(self, due: Due) -> tuple[int, str]:
        now = datetime.now(UTC)
        signed = [
            Signer(secret).sign(msg_id=due.message_id, timestamp=now, data=due.body) for secret in due.secrets
        ]
        headers: dict[str | bytes, str | bytes] = {
            "content-type": "application/json",
            "user-agent": _USER_AGENT,
            "webhook-id": due.message_id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": " ".join(signed),
            "host": urlsplit(due.url).netloc,
        }
        async with self._pool.stream("POST", due.url, headers=headers, content=due.body.encode()) as response:
            # What it answers besides is not read: nothing here needs it, and it may be long.
            after = next((value for name, value in response.headers if name.lower() == b"retry-after"), b"")
            return response.status, after.decode("latin-1")


def _judged(due: Due, status: int, retry_after: str) -> Outcome:
    said = f"answered {status} {_phrase(status)}".strip()
    if 200 <= status < 300:
        return Outcome(True, said)
    if status == HTTPStatus.GONE:
        return Outcome(False, said, None, f"its receiver {said}: it wants no more")
    if 300 <= status < 400:
        said += ": redirects are not followed, give the address that it leads to"
    return _failed(due, said, at_least_s=_seconds(retry_after))


def _failed(due: Due, words: str, *, at_least_s: float = 0.0) -> Outcome:
    wait = wait_s(due.tries + 1)
    if wait is None:
        return Outcome(False, words, None, f"a message was tried {due.tries + 1} times; at last: {words}")
    return Outcome(False, words, max(wait, at_least_s))


def _seconds(retry_after: str) -> float:
    """How long a receiver asks to be left alone, an hour at most; 0 where it does not."""
    try:
        if retry_after.isascii() and retry_after.isdigit():
            asked = float(retry_after)
        else:
            asked = (parsedate_to_datetime(retry_after) - datetime.now(UTC)).total_seconds()
    except (ValueError, TypeError):
        return 0.0
    return min(max(asked, 0.0), _LONGEST_ASKED_S)


def _phrase(status: int) -> str:
    return HTTPStatus(status).phrase if status in HTTPStatus.__members__.values() else ""
