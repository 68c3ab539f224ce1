"""Keeps each open-data document as long as it is true, and makes a new one off the event loop.

A document is made again when something in it has changed, yet not sooner than RATIO times as long as it took
to make after the last one: a city whose numbers change all the time costs a twentieth of a core, and the hot
reads go on. What time alone makes untrue (a number that turns stale), or a change of the registry, is never
answered from what was kept.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from functools import partial
from math import inf
from time import perf_counter
from typing import ParamSpec

from api.live import LiveView
from api.opendata.city import City, Publisher, step_of, take
from api.opendata.document import Document
from api.prepared import Prepared, prepared
from parking.outlook import Forecasts

P = ParamSpec("P")
CACHE = "public, max-age=5, must-revalidate"
RATIO = 20.0
LEAST_S = 1.0
"""Last-Modified has a resolution of a second, so two different documents must not share one."""
_LARGE = 200_000

_Basis = tuple[object, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A document as it was made: `made_at` is its Last-Modified; the rest says how long it may be given."""

    prepared: Prepared
    made_at: datetime
    basis: _Basis
    registry_version: int
    version: int
    deadline: float
    again_at: float


class OpenData:
    """The documents, each made when it is asked for and no longer true."""

    def __init__(
        self,
        view: LiveView,
        publisher: Publisher,
        *,
        forecasts: Forecasts,
    ) -> None:
        self.publisher = publisher
        self._view = view
        self._forecasts = forecasts
        # Bounded: one for each document there is.
        self._kept: dict[str, Kept] = {}
        self._making = asyncio.Lock()
        # One at a time, so that documents do not take turns in holding up the event loop.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="open data")

    async def get(self, document: Document, accept_encoding: bytes = b"") -> tuple[Prepared, datetime]:
        """The document in the coding asked for, and when it was last modified. Raises NotLoaded."""
        self._view.require_loaded()
        kept = self._good(document.path)
        if kept is None:
            async with self._making:
                kept = self._good(document.path) or await self._make(document)
        if not accept_encoding:
            return kept.prepared, kept.made_at
        if len(kept.prepared.body) < _LARGE:
            return kept.prepared.accepted(accept_encoding), kept.made_at
        loop = asyncio.get_running_loop()
        coded = await loop.run_in_executor(self._thread, kept.prepared.accepted, accept_encoding)
        return coded, kept.made_at

    @property
    def withheld(self) -> frozenset[str]:
        """The categories whose bays are not told of one by one."""
        return self._view.withheld

    def city(self) -> City:
        """The city as it is now. Raises NotLoaded."""
        self._view.require_loaded()
        return take(self._view, self.publisher, forecasts=self._forecasts)

    async def aside(self, make: Callable[P, bytes], *args: P.args, **named: P.kwargs) -> bytes:
        """What `make` makes of these, off the event loop, and not while a document is made."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, partial(make, *args, **named))

    def forget(self) -> None:
        """Make every document anew when it is asked for next."""
        self._kept.clear()

    def close(self) -> None:
        """End the thread."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _good(self, path: str) -> Kept | None:
        kept, view = self._kept.get(path), self._view
        if kept is None or kept.registry_version != view.registry_version:
            return None
        elapsed = view.clock.elapsed()
        if elapsed > kept.deadline:
            return None
        if kept.version == view.version or elapsed < kept.again_at or kept.basis == self._basis():
            return kept
        return None

    async def _make(self, document: Document) -> Kept:
        view = self._view
        city = self.city()
        now, basis = view.clock.now(), self._basis()
        version, registry_version = view.version, view.registry_version
        loop = asyncio.get_running_loop()
        made, took_s = await loop.run_in_executor(self._thread, _render, document, city, now)
        kept = self._kept[document.path] = Kept(
            prepared=made,
            made_at=now,
            basis=basis,
            registry_version=registry_version,
            version=version,
            deadline=self._deadline(now),
            again_at=view.clock.elapsed() + max(took_s * RATIO, LEAST_S),
        )
        return kept

    def _basis(self) -> _Basis:
        """All that documents tell of, apart from the registry."""
        view, now = self._view, self._view.clock.now()
        return (
            step_of(view.confirmed_at),
            *((site.snapshot.revision, view.is_stale(site, now)) for site in view.sites.values()),
        )

    def _deadline(self, now: datetime) -> float:
        """Until when time alone leaves the document true, by the clock's `elapsed`."""
        view = self._view
        until = (view.fresh_until(site) for site in view.sites.values())
        nearest = min((moment for moment in until if moment >= now), default=None)
        return inf if nearest is None else view.clock.elapsed_at(nearest)


def _render(document: Document, city: City, now: datetime) -> tuple[Prepared, float]:
    began = perf_counter()
    body = document.render(city)
    modified = ("Last-Modified", format_datetime(now, usegmt=True))
    made = prepared(body, media_type=document.media_type, cache=CACHE, extra=(modified,))
    return made, perf_counter() - began
