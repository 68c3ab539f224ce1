"""Plate reads that cameras post over HTTP: `POST /v1/cameras/{camera}`, with a key for `cameras:push`.

What a post says is in the database before it is answered with 200. A message that cannot be used is on record
as rejected, and answered with 200 too, since a camera would send it for ever. While the database is away the
answer is 503 with Retry-After, and the camera keeps the read.
"""

import asyncio
import base64
import binascii
import socket
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager, suppress
from http import HTTPStatus
from typing import Any, Final

import structlog
import uvicorn
from prometheus_client import Counter
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from ingest.adapters.cameras import VENDORS, vendors_of
from ingest.camera_body import MAX_POST, message_in
from ingest.camera_inbox import CameraInbox
from ingest.clock import Clock
from ingest.metrics import Metrics
from ingest.source import Message
from ingest.writer import Publish, Writer
from parking.access_keys import AccessKey, Scope, parse_key
from parking.db.key_ring import KeyRing
from parking.db.pool import Pool
from parking.errors import DatabaseUnavailable, ParkingError, Rejection
from parking.settings import Settings

log = structlog.get_logger()

HEADERS_S: Final = 15.0
"""A client that has not sent its request's head by then is cut."""
BODY_S: Final = 30.0
REST_S: Final = 5.0
"""So long the rest of a body that is refused may take."""
RETRY_AFTER_S: Final = 5
AT_ONCE: Final = 8
"""Bodies that are read at a time: with the largest ones, 32 MiB of memory."""
MOST_CONNECTIONS: Final = 300
_GRACE_S: Final = 2
_ANY: Final = "any"
_REALM: Final = 'Basic realm="parking cameras", charset="UTF-8"'


class _Refused(Exception):
    """An answer that is not 200."""

    def __init__(self, status: HTTPStatus, detail: str, **headers: str) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


class CameraPosts:
    """The HTTP application for cameras."""

    def __init__(self, inbox: CameraInbox, keys: KeyRing, clock: Clock, metrics: Metrics) -> None:
        self._inbox = inbox
        self._keys = keys
        self._clock = clock
        self._posts: Counter = metrics.camera_posts
        self._reading = asyncio.Semaphore(AT_ONCE)
        paths = ("/v1/cameras/{camera}", "/v1/cameras/{camera}/{path:path}")
        routes = [Route(path, self._answer, methods=["GET", "POST", "PUT"]) for path in paths]
        self.app = Starlette(routes=routes)

    async def _answer(self, request: Request) -> Response:
        outcome, status, headers = "stored", HTTPStatus.OK, {}
        sent = _Sent(request)
        try:
            body: dict[str, Any] = await self._taken(request, sent)
            if body["rejected"]:
                outcome = "rejected"
        except _Refused as refused:
            outcome, status, headers = refused.status.phrase.lower(), refused.status, refused.headers
            body = _problem(status, refused.detail)
        except DatabaseUnavailable:
            outcome, status = "unavailable", HTTPStatus.SERVICE_UNAVAILABLE
            headers = {"Retry-After": str(RETRY_AFTER_S)}
            body = _problem(status, "Nothing can be stored just now; send it again.")
        except ClientDisconnect:
            outcome, status = "cut off", HTTPStatus.BAD_REQUEST
            body = _problem(status, "The request ended before its body did.")
        if status != HTTPStatus.REQUEST_TIMEOUT:
            await sent.pass_over()
        self._posts.labels(outcome).inc()
        kind = "application/json" if status == HTTPStatus.OK else "application/problem+json"
        # One request a connection: who sends slowly is then found by the clock of the connection.
        return JSONResponse(
            body, status, {"Connection": "close", "Cache-Control": "no-store", **headers}, media_type=kind
        )

    async def _taken(self, request: Request, sent: "_Sent") -> dict[str, Any]:
        key = await self._key(request)
        camera = request.path_params["camera"]
        site = await self._inbox.site_of(camera)
        if site is None:
            raise _Refused(HTTPStatus.NOT_FOUND, f"The registry has no gate with the camera {camera[:64]!r}.")
        if key.sites is not None and site not in key.sites:
            raise _Refused(HTTPStatus.FORBIDDEN, "This key is bound to other sites than the camera's.")
        if request.method == "GET":  # how people, and some cameras, try an address
            return {"camera": camera, "site": site, "ready": True, "rejected": []}
        message, unusable = await self._message(request, camera, sent)
        stored = await self._inbox.store(message, unusable)
        rejected = [{"code": one.code, "detail": one.detail} for one in stored.rejections]
        # `Result` is what ITSAPI cameras want to read.
        return {"Result": True, "vehicles": stored.vehicles, "rejected": rejected}

    async def _message(
        self, request: Request, camera: str, sent: "_Sent"
    ) -> tuple[Message, Rejection | None]:
        """The message in the body, or why there is none.

        Of the path only the vendor is kept: who knows what else is in it.
        """
        named = vendors_of(request.path_params.get("path", ""))
        vendor = _ANY if named == VENDORS else "+".join(sorted(named))
        received_us, unusable = self._clock.now_us(), None
        if request.headers.get("content-encoding", "identity") != "identity":
            raise _Refused(
                HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "Send the body as it is, without Content-Encoding."
            )
        try:
            async with asyncio.timeout(BODY_S):
                async with self._reading:
                    body = await message_in(sent.chunks(), request.headers.get("content-type", ""))
        except TimeoutError:
            raise _Refused(HTTPStatus.REQUEST_TIMEOUT, f"The body took longer than {BODY_S:g} s.") from None
        except Rejection as rejection:
            if rejection.code == "too_large":
                raise _Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, rejection.detail) from None
            body, unusable = b"", rejection
        return Message(f"http/{camera}/{vendor}", body, received_us, False, 0, 0), unusable

    async def _key(self, request: Request) -> AccessKey:
        shown = parse_key(presented(request.headers, request.query_params) or "")
        found = None if shown is None else await self._keys.find(shown)
        if found is None:
            raise _Refused(
                HTTPStatus.UNAUTHORIZED,
                "This needs a key with the scope cameras:push, as the password of HTTP Basic, as a bearer"
                " token, in X-Api-Key, or in the URL as ?key=.",
                WWW_Authenticate=_REALM,
            )
        if Scope.CAMERAS_PUSH not in found.scopes:
            raise _Refused(HTTPStatus.FORBIDDEN, f"This key lacks the scope {Scope.CAMERAS_PUSH}.")
        return found


def presented(headers: Mapping[str, str], query: Mapping[str, str]) -> str | None:
    """The key in a request; cameras can send it in one way or another, and some only in the URL."""
    if (key := headers.get("x-api-key") or query.get("key")) is not None:
        return key.strip()
    kind, _, value = headers.get("authorization", "").partition(" ")
    if kind.lower() == "bearer":
        return value.strip()
    if kind.lower() != "basic":
        return None
    try:
        return base64.b64decode(value.strip(), validate=True).decode().partition(":")[2]
    except (binascii.Error, UnicodeDecodeError):
        return None


class _Sent:
    """The body of a request as it comes."""

    def __init__(self, request: Request) -> None:
        self._receive = request.receive
        # Who waits for our leave to send a body has not begun to.
        self._is_coming = "expect" not in request.headers

    async def chunks(self) -> AsyncIterator[bytes]:
        """What has not been taken of it yet. Raises ClientDisconnect."""
        self._is_coming = True
        while self._is_coming:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise ClientDisconnect
            self._is_coming = message.get("more_body", False)
            yield message.get("body", b"")

    async def pass_over(self) -> None:
        """Take the rest and drop it, within bounds, before the connection is closed.

        Who is cut off while it sends may never read why (RFC 9112, section 9.6), and sends it all again.
        """
        if not self._is_coming:
            return
        size = 0
        with suppress(TimeoutError, ClientDisconnect):
            async with asyncio.timeout(REST_S):
                async for chunk in self.chunks():
                    size += len(chunk)
                    if size > MAX_POST:
                        return


def _problem(status: HTTPStatus, detail: str) -> dict[str, Any]:
    return {"type": "about:blank", "title": status.phrase, "status": status.value, "detail": detail}


class _Protocol(HttpToolsProtocol):
    """HTTP, but a connection on which no request has begun in time is closed."""

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self.loop.call_later(HEADERS_S, self._begun_or_closed)

    def _begun_or_closed(self) -> None:
        if getattr(self, "cycle", None) is None and not self.transport.is_closing():
            self.transport.close()


class _Server(uvicorn.Server):
    """uvicorn, which leaves the signals to the ingestor."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def receive(
    settings: Settings,
    writer: Writer,
    publish: Publish,
    *,
    clock: Clock,
    metrics: Metrics,
    allowed: asyncio.Event,
) -> None:
    """Take what cameras post for as long as the task lives; nothing where no port is set.

    Not before `allowed`: a second ingestor that stands by leaves the port to the first.
    """
    if settings.camera_http_port == 0:
        return
    await allowed.wait()
    pool = Pool(settings.require_database_url(), name="parking cameras", size=2)
    ring = KeyRing(pool, clock)
    inbox = CameraInbox(writer, publish)
    async with pool.opened(), asyncio.TaskGroup() as tasks:
        tasks.create_task(ring.run(), name="use of keys")
        tasks.create_task(inbox.run(), name="posts of cameras")
        tasks.create_task(serve(settings, CameraPosts(inbox, ring, clock, metrics)), name="cameras over HTTP")


async def serve(settings: Settings, posts: CameraPosts) -> None:
    """Listen for cameras for as long as the task lives. Raises ParkingError if the address is taken."""
    listener = _listen(settings.camera_http_host, settings.camera_http_port)
    config = uvicorn.Config(
        posts.app,
        http=_Protocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=MOST_CONNECTIONS,
        timeout_keep_alive=5,
        timeout_graceful_shutdown=_GRACE_S,
    )
    server = _Server(config)
    log.info("cameras can post", host=listener.getsockname()[0], port=listener.getsockname()[1])
    serving = asyncio.create_task(server.serve(sockets=[listener]), name="camera http server")
    try:
        await asyncio.shield(serving)
    finally:
        server.should_exit = True
        await serving


def _listen(host: str, port: int) -> socket.socket:
    try:
        (family, _, _, _, address), *_ = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        return socket.create_server(address[:2], family=family, backlog=512)
    except OSError as error:
        raise ParkingError(
            f"PARKING_CAMERA_HTTP_PORT: {host} port {port} cannot be used: {error.strerror or error}",
            hint="Set PARKING_CAMERA_HTTP_HOST to an address of this machine and the port to a free one.",
        ) from error
