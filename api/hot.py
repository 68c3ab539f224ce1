"""A short way for the three reads that crowds ask for: one site, all sites, one sign.

It gives the very bytes and headers that the routes in `api.routes` would, without routing, and leaves to them
whatever is not plain: other methods, unknown ids, unusual Accept headers, the time before the first load.
"""

from time import perf_counter

from starlette.types import ASGIApp, Receive, Scope, Send

from api.answers import has_it
from api.edge import HEADERS, Headers
from api.live import NotLoaded
from api.metrics import Metrics
from api.polls import PollBook
from api.prepared import Answers, Prepared
from parking.errors import NotFound

_JSON = frozenset({b"", b"*/*", b"application/json"})
_SITE = "/v1/sites/"
_SIGN = "/v1/signs/"
_HOT = ("/v1/sites", "/v1/signs/")


class HotReads:
    """An ASGI application in front of another: it answers the hot reads from prepared bytes."""

    def __init__(
        self, app: ASGIApp, answers: Answers, metrics: Metrics, extra: Headers = HEADERS, *, polls: PollBook
    ) -> None:
        self._app = app
        self._extra = extra
        self._answers = answers
        self._metrics = metrics
        self._polls = polls

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a hot read; pass on everything else."""
        began = perf_counter()
        hot = scope["type"] == "http" and scope["method"] == "GET"
        found = self._find(scope, began) if hot else None
        if found is None:
            return await self._app(scope, receive, send)
        route, prepared, status = found
        if status == 200:
            headers, body = prepared.headers, prepared.body
        else:
            headers, body = prepared.validators, b""
        self._metrics.answered(method="GET", route=route, status=status, seconds=perf_counter() - began)
        await send({"type": "http.response.start", "status": status, "headers": [*headers, *self._extra]})
        await send({"type": "http.response.body", "body": body})

    def _find(self, scope: Scope, began: float) -> tuple[str, Prepared, int] | None:
        """The route, what it answers, and whether with 200 or 304."""
        path: str = scope["path"]
        if not path.startswith(_HOT):
            return None
        accept = if_none_match = accept_encoding = b""
        for name, value in scope["headers"]:
            if name == b"accept":
                accept = value
            elif name == b"if-none-match":
                if_none_match = value
            elif name == b"accept-encoding":
                accept_encoding = value
        try:
            if path.startswith(_SITE):
                route, prepared = "/v1/sites/{site_id}", self._answers.site(path[len(_SITE) :])
            elif path.startswith(_SIGN) and accept in _JSON and not scope["query_string"]:
                sign = path[len(_SIGN) :]
                route, prepared = "/v1/signs/{sign_id}", self._answers.sign(sign)
                self._polls.note(sign, prepared.text, began)
            elif path == "/v1/sites":
                route, prepared = path, self._answers.sites()
            else:
                return None
        except (NotFound, NotLoaded):
            return None
        if accept_encoding:
            prepared = prepared.accepted(accept_encoding)
        return route, prepared, 304 if has_it(if_none_match, prepared.etag) else 200
