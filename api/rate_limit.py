"""The first thing that a request meets: may its address ask now?"""

from starlette.types import ASGIApp, Receive, Scope, Send

from api.access import Access
from api.edge import METHODS, Headers
from api.limits import Limits, is_sign, too_many
from api.metrics import Metrics
from api.problems import problem


class RateLimit:
    """ASGI middleware that answers 429 to an address whose bucket is empty, and to no caller with a key."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        limits: Limits,
        access: Access,
        metrics: Metrics,
        headers: Headers,
    ) -> None:
        self._app = app
        self._limits = limits
        self._access = access
        self._metrics = metrics
        self._headers = headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on a request that may be answered."""
        if scope["type"] == "http" and (wait_s := self._limits.wait_s(scope)):
            wait_s = await self._access.wait_s(scope, otherwise=wait_s)
            if wait_s:
                return await self._refuse(scope, receive, send, wait_s)
        await self._app(scope, receive, send)

    async def _refuse(self, scope: Scope, receive: Receive, send: Send, wait_s: float) -> None:
        self._limits.warn(scope)
        self._metrics.limited("signs" if is_sign(scope) else "reads")
        method = scope["method"] if scope["method"] in METHODS else "other"
        self._metrics.answered(method=method, route="(limited)", status=429, seconds=0.0)
        refused = too_many(wait_s)
        response = problem(
            scope["path"], status=refused.status, detail=refused.message, headers=refused.headers
        )
        response.raw_headers += self._headers
        await response(scope, receive, send)
