"""What each webhook has not been told yet: a comparison of what it was last told with what is published."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta

import msgspec

from api.bodies import Site, Time, encode, site_body
from api.live import LiveSite, LiveView
from parking.db.webhooks import Key, News, Told, Watched
from parking.model import SiteStatus
from parking.webhooks import PING, Event


class Payload(msgspec.Struct, frozen=True):
    """What a message holds (Standard Webhooks): the site as `/v1/sites/{id}` tells it, and when."""

    type: str
    timestamp: Time
    data: Site | None


def ping_body(now: datetime) -> str:
    """A message that tells of no change."""
    return encode(Payload(PING, now, None)).decode()


def untold(view: LiveView, webhooks: Iterable[Watched], told: Mapping[Key, Told]) -> Iterator[News]:
    """What is to be told now. The first value of anything is only noted: it is no change."""
    now = view.clock.now()
    values = {id: _values(view, site, now) for id, site in view.sites.items()}
    bodies: dict[tuple[str, Event], str] = {}
    for webhook in webhooks:
        for site in view.sites if webhook.sites is None else webhook.sites & view.sites.keys():
            for event in webhook.events:
                key, value = (webhook.id, site, event), values[site][event]
                before = told.get(key)
                if before is None:
                    yield News(key, value, None)
                elif before.value != value and not _too_soon(event, before, webhook, now):
                    if (site, event) not in bodies:
                        bodies[site, event] = _body(view, view.sites[site], event, now)
                    yield News(key, value, bodies[site, event])


def _too_soon(event: Event, before: Told, webhook: Watched, now: datetime) -> bool:
    return event is Event.AVAILABILITY and now - before.at < timedelta(seconds=webhook.every_s)


def _values(view: LiveView, site: LiveSite, now: datetime) -> dict[Event, str]:
    """What of a site is compared: equal texts are no news."""
    snapshot = site.snapshot
    full = (
        snapshot.status is SiteStatus.OPEN and snapshot.vacant == 0 and snapshot.unknown < snapshot.capacity
    )
    return {
        Event.AVAILABILITY: f"{snapshot.vacant}/{snapshot.occupied}/{snapshot.unknown}/{snapshot.capacity}",
        Event.STATUS: snapshot.status.value,
        Event.FULL: "full" if full else "not full",
        Event.STALE: "stale" if view.is_stale(site, now) else "fresh",
    }


def _body(view: LiveView, site: LiveSite, event: Event, now: datetime) -> str:
    body = site_body(site, as_of=view.as_of(site), stale=view.is_stale(site, now))
    return encode(Payload(event.value, now, body)).decode()
