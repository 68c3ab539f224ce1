"""A short way for the three reads that crowds ask for: one site, all sites, one sign.

When the head of a plain request is complete, the protocol itself writes the prepared answer: the very bytes
that the routes in `api.routes` would give, after the same limit, counted the same. Whatever is not plain goes
the ordinary way through ASGI: other methods, queries, bodies, HTTP/1.0, unknown ids, unusual Accept headers,
an address that asked too much, a client that is slow to read, the time before the first load.
"""

from collections.abc import MutableMapping
from http import HTTPStatus
from time import perf_counter
from typing import Any

from api.answers import has_it
from api.limits import Limits
from api.metrics import Metrics
from api.patience import PatientProtocol
from api.polls import PollBook
from api.prepared import Answers, HeaderList, Prepared, lines

_JSON = frozenset({b"", b"*/*", b"application/json"})
_SITES = "/v1/sites"
_SITE = "/v1/sites/"
_SIGN = "/v1/signs/"
_HOT = (b"/v1/sites", b"/v1/signs/")
_UNUSUAL = frozenset({b"content-length", b"transfer-encoding", b"expect", b"upgrade"})
"""Headers of requests that are no plain reads."""
_STATUS = {
    status: f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n".encode("ascii") for status in (200, 304)
}


class HotReads:
    """Answers hot reads from prepared bytes; `extra` are the headers of every answer."""

    def __init__(
        self, answers: Answers, *, limits: Limits, metrics: Metrics, polls: PollBook, extra: HeaderList
    ) -> None:
        self._answers = answers
        self._limits = limits
        self._metrics = metrics
        self._polls = polls
        self._extra = lines(extra) + b"\r\n"
        self._servers: HeaderList = ()
        self._server_lines = b""

    def answer(self, url: bytes, scope: MutableMapping[str, Any], servers: HeaderList) -> list[bytes] | None:
        """The bytes of the answer to a GET of this URL; None where it goes the ordinary way.

        `scope` needs to have the client and the headers; `servers` are the server's own headers (the date).
        """
        if not url.startswith(_HOT):
            return None
        began = perf_counter()
        accept = if_none_match = accept_encoding = b""
        # Of a header that comes twice the first counts, as it does on the ordinary way.
        for name, value in reversed(scope["headers"]):
            if name == b"accept":
                accept = value
            elif name == b"if-none-match":
                if_none_match = value
            elif name == b"accept-encoding":
                accept_encoding = value
            elif name in _UNUSUAL:
                return None
        try:
            path = url.decode("ascii")
            found = self._find(path, accept)
        except Exception:
            # An unknown id, the time before the first load, a defect: the ordinary way tells of it.
            return None
        if found is None:
            return None
        route, prepared, sign = found
        scope["path"] = path
        if self._limits.wait_s(scope):
            return None
        if sign:
            self._polls.note(sign, prepared.text, began)
        if accept_encoding:
            prepared = prepared.accepted(accept_encoding)
        status = 304 if has_it(if_none_match, prepared.etag) else 200
        self._metrics.answered(method="GET", route=route, status=status, seconds=perf_counter() - began)
        if servers is not self._servers:
            self._servers, self._server_lines = servers, lines(servers)
        head = b"".join((_STATUS[status], self._server_lines, prepared.head(status), self._extra))
        return [head, prepared.body] if status == 200 else [head]

    def _find(self, path: str, accept: bytes) -> tuple[str, Prepared, str] | None:
        """The route, what it answers, and which sign asks (empty: none). Raises as `Answers` does."""
        if path.startswith(_SITE):
            return "/v1/sites/{site_id}", self._answers.site(path[len(_SITE) :]), ""
        if path == _SITES:
            return path, self._answers.sites(), ""
        if path.startswith(_SIGN) and accept in _JSON:
            sign = path[len(_SIGN) :]
            return "/v1/signs/{sign_id}", self._answers.sign(sign), sign
        return None


class HotProtocol(PatientProtocol):
    """HTTP that answers hot reads itself; the application has a `hot`, its HotReads."""

    _answered = False

    def __init__(self, config: Any, *args: Any, **named: Any) -> None:
        super().__init__(config, *args, **named)
        self._hot: HotReads = config.app.hot

    def on_headers_complete(self) -> None:
        """Answer a hot read at once; start everything else."""
        answer = None
        if self._is_plain():
            scope: MutableMapping[str, Any] = self.scope  # type: ignore[assignment]
            answer = self._hot.answer(self.url, scope, self.server_state.default_headers)
        self._answered = answer is not None
        if answer is None:
            return super().on_headers_complete()
        self.head_since = None
        self.transport.writelines(answer)
        self.on_response_complete()

    def on_message_complete(self) -> None:
        if not self._answered:
            super().on_message_complete()

    def _is_plain(self) -> bool:
        """A GET on a connection that stays, with no earlier answer under way or waiting to be taken."""
        parser, cycle = self.parser, self.cycle
        return (
            parser.get_method() == b"GET"
            and parser.get_http_version() == "1.1"
            and parser.should_keep_alive()
            and (cycle is None or cycle.response_complete)
            # Nor do many requests that come at once have their answers pile up here.
            and not self.transport.get_write_buffer_size()
            and not self.transport.is_closing()
        )
