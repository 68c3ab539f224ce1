"""What Prometheus can ask: the requests, and how fresh what they were told is."""

from bisect import bisect_left
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import accumulate

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from api.events import EventLog
from api.feed import FeedStatus
from api.live import LiveView

_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0)


@dataclass(slots=True)
class _Tally:
    """Requests of one method, route and status; `took` counts by the bounds of `_SECONDS` and beyond them."""

    seconds: float = 0.0
    took: list[int] = field(default_factory=lambda: [0] * (len(_SECONDS) + 1))


class Requests(Collector):
    """Counts requests and their times, for a tenth of what a counter and a histogram with labels cost each.

    All on one event loop. Bounded by methods, routes and statuses.
    """

    def __init__(self) -> None:
        self._tallies: dict[tuple[str, str, int], _Tally] = {}

    def add(self, key: tuple[str, str, int], seconds: float) -> None:
        """One request of this method, route and status."""
        if (tally := self._tallies.get(key)) is None:
            tally = self._tallies[key] = _Tally()
        tally.seconds += seconds
        tally.took[bisect_left(_SECONDS, seconds)] += 1

    def collect(self) -> Iterator[Metric]:
        """The requests by method, route and status, and their times by route."""
        counts = CounterMetricFamily(
            "parking_api_requests", "Requests answered.", labels=("method", "route", "status")
        )
        times = HistogramMetricFamily(
            "parking_api_request_seconds",
            "Time from a request to the start of its answer.",
            labels=("route",),
        )
        routes: dict[str, list[_Tally]] = {}
        for (method, route, status), tally in self._tallies.items():
            counts.add_metric((method, route, str(status)), sum(tally.took))
            routes.setdefault(route, []).append(tally)
        for route, tallies in routes.items():
            upto = accumulate(map(sum, zip(*(tally.took for tally in tallies), strict=True)))
            bounds = [*map(str, _SECONDS), "+Inf"]
            buckets = [(bound, float(count)) for bound, count in zip(bounds, upto, strict=True)]
            times.add_metric((route,), buckets, sum(tally.seconds for tally in tallies))
        yield from (counts, times)


class Metrics:
    """The metrics of one API process, in a registry of their own."""

    def __init__(self, view: LiveView, feed: FeedStatus, log: EventLog) -> None:
        self.registry = CollectorRegistry()
        self._requests = Requests()
        self.registry.register(self._requests)
        self._limited = Counter(
            "parking_api_limited",
            "Requests answered with 429: too many reads, reads of signs, or wrong keys from one address.",
            ("what",),
            registry=self.registry,
        )
        self._refused = Counter(
            "parking_api_refused",
            "Callers refused: no key or token, one that is not valid, or one without the scope.",
            ("why",),
            registry=self.registry,
        )
        self._gauge("sites", "Sites in the live view.", lambda: len(view.sites))
        self._gauge("bays", "Bays in the live view.", lambda: len(view.bays))
        self._gauge("stale_sites", "Sites whose number is stale.", lambda: stale_sites(view))
        self._gauge(
            "view_age_seconds", "Age of the ingestors' latest confirmation.", lambda: view_age_s(view)
        )
        self._gauge("database_connected", "1 while the live view is updated.", lambda: feed.problem is None)
        self._gauge("revision_lag_sites", "Sites notified but not read yet.", lambda: feed.pending_sites)
        self._gauge(
            "refresh_seconds", "How long the latest read of changes took.", lambda: feed.refreshed_in_s
        )
        self._gauge("stream_readers", "Open event streams.", lambda: log.readers)
        for reason in ("connect", "registry"):
            self._gauge(
                f"reloads_{reason}",
                f"Full reloads of the live view since the start, for this reason: {reason}.",
                lambda reason=reason: feed.reloads[reason],  # type: ignore[misc]
            )

    def answered(self, *, method: str, route: str, status: int, seconds: float) -> None:
        """Count one request; `route` is the template, so that ids do not multiply the series."""
        self._requests.add((method, route, status), seconds)

    def limited(self, what: str) -> None:
        """Count one request that was too many: `reads`, `signs` or `failures`."""
        self._limited.labels(what).inc()

    def refused(self, why: str) -> None:
        """Count one caller: `none` shown, `invalid`, or without the `scope`."""
        self._refused.labels(why).inc()

    def render(self) -> bytes:
        """All metrics in Prometheus' text format."""
        return generate_latest(self.registry)

    def _gauge(self, name: str, help: str, value: Callable[[], float]) -> None:
        Gauge(f"parking_api_{name}", help, registry=self.registry).set_function(value)


def stale_sites(view: LiveView) -> int:
    """How many sites' numbers are too old to be shown as true."""
    now = view.clock.now()
    return sum(view.is_stale(site, now) for site in view.sites.values())


def view_age_s(view: LiveView) -> float:
    """Seconds since an ingestor last vouched for the numbers; NaN when none ever has."""
    if view.confirmed_at is None:
        return float("nan")
    return (view.clock.now() - view.confirmed_at).total_seconds()
