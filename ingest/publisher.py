"""Publishes each site's snapshot as a retained message, always the latest, again after a reconnect."""

import asyncio
from collections.abc import Sequence
from datetime import UTC
from typing import Any

import msgspec

from firmware_protocol import topics
from ingest.metrics import Metrics
from ingest.share import Share
from ingest.source import Source
from parking.model import Snapshot

RETRY_S = 0.5
PAUSE_S = 0.1
"""No site is published more often: while a backlog is worked off its number changes all the time."""


class Publisher:
    """Holds at most one waiting snapshot a site; a newer one takes an older one's place.

    Of several ingestors one publishes a site, so that an older number never follows a newer one.
    """

    def __init__(self, source: Source, metrics: Metrics, share: Share) -> None:
        self._share = share
        self._source = source
        self._metrics = metrics
        self._latest: dict[str, Snapshot] = {}
        self._waiting: dict[str, None] = {}
        self._wake = asyncio.Event()

    def offer(self, snapshots: Sequence[Snapshot]) -> None:
        """Publish these as soon as may be; one older than what was offered before is not news."""
        for snapshot in snapshots:
            known = self._latest.get(snapshot.site_id)
            if not self._share.owns_site(snapshot.site_id):
                continue
            if known is None or snapshot.revision > known.revision:
                self._latest[snapshot.site_id] = snapshot
                self._waiting[snapshot.site_id] = None
        self._wake.set()

    async def run(self) -> None:
        """Publish what waits; after a new connection everything waits again."""
        generation = 0
        while True:
            await self._wake.wait()
            self._wake.clear()
            if self._source.generation != generation and self._source.connected:
                generation = self._source.generation
                self._waiting = dict.fromkeys(self._latest)
            while self._waiting:
                site_id = next(iter(self._waiting))
                if not self._publish(self._latest[site_id]):
                    await asyncio.sleep(RETRY_S)
                    self._wake.set()
                    break
                del self._waiting[site_id]
            await asyncio.sleep(PAUSE_S)

    def _publish(self, snapshot: Snapshot) -> bool:
        topic = str(topics.availability(snapshot.site_id))
        done = self._source.publish(topic, encode(snapshot), retain=True)
        if done:
            self._metrics.published.inc()
        return done


def encode(snapshot: Snapshot) -> bytes:
    """The payload of `parking/v1/{site}/availability`: JSON, times as RFC 3339."""
    fields: dict[str, Any] = {name: getattr(snapshot, name) for name in Snapshot.__dataclass_fields__}
    fields["site"] = fields.pop("site_id")
    fields["as_of"] = snapshot.as_of.astimezone(UTC)
    return msgspec.json.encode(fields)
