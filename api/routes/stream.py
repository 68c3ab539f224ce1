"""Server-sent events of changed snapshots: /v1/stream."""

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query
from fastapi.exceptions import RequestValidationError
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from api.answers import documented
from api.bodies import encode
from api.events import EventLog, Lost, Position
from api.live import LiveView
from api.nearby import Nearby
from api.places import Wanted
from api.problems import TooManyReaders
from api.routes.nearby import Latitude, Longitude, Radius

HEARTBEAT_S = 15.0
RECONNECT_MS = 3000
MOST_READERS = 5000
PATIENCE_S = 20.0

Site = Annotated[str, Query(min_length=1, max_length=200)]
Sites = Annotated[list[Site] | None, Query(max_length=100, description="only these sites; may be repeated")]
Zone = Annotated[str, Query(min_length=1, max_length=200)]
Zones = Annotated[
    list[Zone] | None, Query(max_length=100, description="only sites of these zones; may be repeated")
]
LastEventId = Annotated[str | None, Header(description="the id of the last event that you got")]

_EVENTS = """One event of type `site` for each change of a site's published number or facts, and when it turns
stale or fresh again; its data is what `/v1/sites/{id}` answers. A `start` event opens a new stream: read
`/v1/sites` now, then apply the events. After a lost connection send `Last-Event-ID` (browsers do): nothing is
missed. When what you missed is no longer held, a `reset` event says so: read `/v1/sites` again. About every
15 seconds a `confirmed` event tells until when all numbers are known to be current (`as_of`)."""


def stream_router(view: LiveView, log: EventLog, nearby: Nearby) -> APIRouter:
    """The route of the event stream."""
    router = APIRouter(tags=["Sites"])
    responses = documented("Site", 404, 422, 503)
    responses[200] = {
        "description": _EVENTS,
        "content": {"text/event-stream": {"schema": {"type": "string"}}},
    }

    @router.get("/v1/stream", responses=responses, summary="Changes as they happen")
    async def stream(
        site: Sites = None,
        zone: Zones = None,
        lat: Latitude | None = None,
        lon: Longitude | None = None,
        radius_m: Radius = 1000,
        last_event_id: LastEventId = None,
    ) -> Response:
        """Server-sent events of changed snapshots, resumable; of all sites, or of some: those named, those in
        zones, those with a bay, an entrance or their own place within `radius_m` of `lat`, `lon`.

        Several of these together: only what all of them hold. When the registry changes a `reset` event
        comes, after which a new stream follows the sites as they are then.
        """
        view.require_loaded()
        chosen = _chosen(view, site, zone, near=_near(nearby, lat, lon, radius_m))
        if log.readers >= MOST_READERS:
            raise TooManyReaders
        return EventStream(Reader(view, log, chosen), last_event_id)

    return router


def _chosen(
    view: LiveView, sites: list[str] | None, zones: list[str] | None, *, near: frozenset[str] | None
) -> frozenset[str] | None:
    """The sites that all filters hold, None without any. Raises NotFound for a site that is none."""
    held = [] if near is None else [near]
    if sites is not None:
        held.append(frozenset(view.site(site_id).facts.id for site_id in sites))
    if zones is not None:
        held.append(
            frozenset(site.facts.id for site in view.sites.values() if site.facts.details.zone in zones)
        )
    return frozenset.intersection(*held) if held else None


def _near(nearby: Nearby, lat: float | None, lon: float | None, radius_m: float) -> frozenset[str] | None:
    if lat is None and lon is None:
        return None
    if lat is None or lon is None:
        lacking = "lat" if lat is None else "lon"
        wrong = {
            "type": "missing",
            "loc": ("query", lacking),
            "msg": "lat and lon go together",
            "input": None,
        }
        raise RequestValidationError([wrong])
    wanted = Wanted(lat=lat, lon=lon, radius_m=radius_m, categories=frozenset(), stay_min=None)
    return frozenset(nearby.sites(wanted))


class Reader:
    """One client's way through the log, with a sign of life every `heartbeat_s` seconds."""

    def __init__(
        self,
        view: LiveView,
        log: EventLog,
        sites: frozenset[str] | None = None,
        *,
        heartbeat_s: float = HEARTBEAT_S,
    ) -> None:
        self._view = view
        self._log = log
        self._sites = sites
        self._heartbeat_s = heartbeat_s

    async def read(self, last_event_id: str | None) -> AsyncIterator[bytes]:
        """Chunks of the stream until the server stops."""
        log = self._log
        yield f"retry: {RECONNECT_MS}\n\n".encode()
        position = log.end
        if last_event_id is None:
            yield self._event("start", position, {"as_of": self._view.confirmed_at})
        else:
            try:
                position = log.locate(last_event_id)
            except Lost as lost:
                yield self._event("reset", position, {"reason": str(lost)})
        while not log.closed:
            try:
                position, chunk = log.after(position, self._sites)
            except Lost as lost:
                position = log.end
                chunk = self._event("reset", position, {"reason": str(lost)})
            if chunk:
                yield chunk
                continue
            try:
                async with asyncio.timeout(self._heartbeat_s):
                    await log.wait(position)
            except TimeoutError:
                yield b": alive\n\n" + self._event("confirmed", position, {"as_of": self._view.confirmed_at})

    def _event(self, name: str, position: Position, data: dict[str, Any]) -> bytes:
        return f"event: {name}\nid: {position}\ndata: ".encode() + encode(data) + b"\n\n"

    def enter(self) -> None:
        """Count this reader."""
        self._log.readers += 1

    def leave(self) -> None:
        """Count this reader no more."""
        self._log.readers -= 1


class EventStream(Response):
    """Writes the stream until the client goes, the server stops, or the client takes nothing for too long."""

    def __init__(
        self, reader: Reader, last_event_id: str | None = None, *, patience_s: float = PATIENCE_S
    ) -> None:
        super().__init__(media_type="text/event-stream", headers={"Cache-Control": "no-store"})
        # The length is not known; and a proxy must pass each event on at once.
        del self.headers["content-length"]
        self.headers["X-Accel-Buffering"] = "no"
        self._reader = reader
        self._last_event_id = last_event_id
        self._patience_s = patience_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the stream over ASGI."""
        self._reader.enter()
        try:
            async with asyncio.TaskGroup() as tasks:
                writer = tasks.create_task(self._write(send), name="stream writer")
                watcher = tasks.create_task(_until_gone(receive), name="stream watcher")
                await asyncio.wait((writer, watcher), return_when=asyncio.FIRST_COMPLETED)
                writer.cancel()
                watcher.cancel()
        finally:
            self._reader.leave()

    async def _write(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        try:
            async for chunk in self._reader.read(self._last_event_id):
                # A client that does not read is cut: its connection's buffer is all that it may fill.
                async with asyncio.timeout(self._patience_s):
                    await send({"type": "http.response.body", "body": chunk, "more_body": True})
        except TimeoutError:
            return
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
