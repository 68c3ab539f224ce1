"""The outermost layer of the application: security headers, measurement, HEAD, the last resort on errors."""

import time

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.metrics import Metrics
from api.problems import unexpected

_log = structlog.get_logger()

_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"})

SECURITY_HEADERS: tuple[tuple[bytes, bytes], ...] = (
    (
        b"content-security-policy",
        b"default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'",
    ),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), microphone=()"),
)


class Edge:
    """ASGI middleware around everything else. What fails inside leaves as a problem without a stack trace."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; pass on anything else (the lifespan)."""
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        exchange = _Exchange(scope, send, self._metrics)
        # A route answers HEAD as it answers GET; the body is left out on its way.
        inner = {**scope, "method": "GET"} if exchange.head else scope
        try:
            await self._app(inner, receive, exchange.send)
        except Exception:
            _log.exception("A request failed", path=scope["path"])
            if exchange.started:
                raise
            await unexpected(scope["path"])(scope, receive, exchange.send)
        finally:
            exchange.finish(inner)


class _Exchange:
    """One request and its answer."""

    def __init__(self, scope: Scope, send: Send, metrics: Metrics) -> None:
        self.head = scope["method"] == "HEAD"
        self.started = False
        self._method = scope["method"] if scope["method"] in _METHODS else "other"
        self._send = send
        self._metrics = metrics
        self._status = 0
        self._ended = False
        self._began = time.perf_counter()
        self._seconds = 0.0

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.started = True
            self._status = message["status"]
            self._seconds = time.perf_counter() - self._began
            message["headers"] = [*message["headers"], *SECURITY_HEADERS]
        elif self.head:
            if self._ended:
                return
            message = {"type": "http.response.body", "body": b"", "more_body": False}
            self._ended = True
        await self._send(message)

    def finish(self, scope: Scope) -> None:
        if self.started:
            route = getattr(scope.get("route"), "path", "(none)")
            self._metrics.answered(
                method=self._method, route=route, status=self._status, seconds=self._seconds
            )
