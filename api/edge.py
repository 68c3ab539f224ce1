"""The outermost layer of the application: headers, CORS, measurement, HEAD, the last resort on errors."""

import asyncio
import time
from http import HTTPStatus

import structlog
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.metrics import Metrics
from api.problems import unexpected

_log = structlog.get_logger()

Headers = tuple[tuple[bytes, bytes], ...]

METHODS = frozenset({"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"})
"""Those that are counted by their names."""
MOST_BODY = 8_000_000
"""Bytes of a request; cameras, whose pictures are longer, post to the ingestor."""
BODY_S = 60.0
"""So long a body may take, the longest of them too."""
IMPORT_PATH = "/v1/registry/import"
MOST_IMPORT = 32_000_000
"""Bytes of a file that is imported."""
_WITH_BODY = frozenset({"POST", "PUT", "PATCH", "DELETE"})

HEADERS: Headers = (
    (
        b"content-security-policy",
        b"default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'",
    ),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    # The reads are open: pages of any origin may use them. Only the pages of staff go by a cookie, and no
    # browser sends one along for `*`.
    (b"access-control-allow-origin", b"*"),
    (b"access-control-expose-headers", b"ETag, Retry-After"),
)
"""What every answer carries."""


def answer_headers(hsts_s: int) -> Headers:
    """HEADERS, and for `hsts_s` seconds that this host is asked over HTTPS only (0: nothing of that)."""
    if not hsts_s:
        return HEADERS
    return (*HEADERS, (b"strict-transport-security", f"max-age={hsts_s}".encode()))


_PREFLIGHT: Headers = (
    (b"access-control-allow-methods", b"GET, HEAD"),
    (b"access-control-allow-headers", b"If-None-Match, Last-Event-ID"),
    (b"access-control-max-age", b"86400"),
)


class Edge:
    """ASGI middleware around everything else. What fails inside leaves as a problem without a stack trace."""

    def __init__(self, app: ASGIApp, metrics: Metrics, headers: Headers = HEADERS) -> None:
        self._app = app
        self._metrics = metrics
        self._headers = headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; pass on anything else (the lifespan)."""
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        exchange = _Exchange(scope, send, self._headers)
        # A route answers HEAD as it answers GET; the body is left out on its way.
        inner = {**scope, "method": "GET"} if exchange.head else scope
        try:
            if _is_preflight(scope):
                await _allow(exchange)
            else:
                bounded = _bounded(receive, _most(scope)) if scope["method"] in _WITH_BODY else receive
                await self._app(inner, bounded, exchange.send)
        except Exception:
            _log.exception("A request failed", path=scope["path"])
            if exchange.started:
                raise
            await unexpected(scope["path"])(scope, receive, exchange.send)
        finally:
            if exchange.started:
                self._metrics.answered(
                    method=scope["method"] if scope["method"] in METHODS else "other",
                    route=getattr(inner.get("route"), "path", "(none)"),
                    status=exchange.status,
                    seconds=exchange.seconds,
                )


class _Exchange:
    """One request and its answer: `status`, and `seconds` until it started."""

    def __init__(self, scope: Scope, send: Send, headers: Headers) -> None:
        self._headers = headers
        self.head = scope["method"] == "HEAD"
        self.started = False
        self.status = 0
        self.seconds = 0.0
        self._began = time.perf_counter()
        self._send = send
        self._ended = False

    async def send(self, message: Message) -> None:
        """Pass on what the application says, with our headers."""
        if message["type"] == "http.response.start":
            self.started = True
            self.status = message["status"]
            self.seconds = time.perf_counter() - self._began
            message["headers"] = [*message["headers"], *self._headers]
        elif self.head:
            if self._ended:
                return
            message = {"type": "http.response.body", "body": b"", "more_body": False}
            self._ended = True
        await self._send(message)


def _most(scope: Scope) -> int:
    return MOST_IMPORT if scope["path"] == IMPORT_PATH else MOST_BODY


def _bounded(receive: Receive, most: int) -> Receive:
    """The same, but a body of more than `most` bytes ends in a 413 problem, a slow one in 408."""
    came, whole = 0, False
    deadline = asyncio.get_running_loop().time() + BODY_S

    async def read() -> Message:
        nonlocal came, whole
        if whole:
            # What comes then is that the client has gone, whenever that is.
            return await receive()
        try:
            async with asyncio.timeout_at(deadline):
                message = await receive()
        except TimeoutError:
            raise HTTPException(
                HTTPStatus.REQUEST_TIMEOUT, f"The body of a request must come within {BODY_S:g} s."
            ) from None
        whole = not message.get("more_body", False)
        came += len(message.get("body", b""))
        if came > most:
            raise HTTPException(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"A request here has at most {most} bytes."
            )
        return message

    return read


def _is_preflight(scope: Scope) -> bool:
    return scope["method"] == "OPTIONS" and any(
        name == b"access-control-request-method" for name, _ in scope["headers"]
    )


async def _allow(exchange: _Exchange) -> None:
    await exchange.send({"type": "http.response.start", "status": 204, "headers": list(_PREFLIGHT)})
    await exchange.send({"type": "http.response.body", "body": b""})
