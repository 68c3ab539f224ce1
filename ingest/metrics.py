"""What the ingestor tells a monitoring system."""

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from ingest.source import Source

_SECONDS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60)
_SIZES = (1, 10, 50, 100, 250, 500, 1000, 2000, 5000, 20_000)


class Metrics:
    """The ingestor's metrics in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        r = self.registry
        self.received = Counter(
            "parking_ingest_messages_received", "messages taken from the broker", registry=r
        )
        self.acknowledged = Counter(
            "parking_ingest_messages_acknowledged", "messages acknowledged after commit", registry=r
        )
        self.events = Counter("parking_ingest_events_stored", "bay events new to the database", registry=r)
        self.duplicates = Counter(
            "parking_ingest_events_duplicate", "copies of bay events already stored", registry=r
        )
        self.sealed = Counter(
            "parking_ingest_sealed_frames", "sealed frames that were authentic and new", registry=r
        )
        self.passages = Counter(
            "parking_ingest_passages_stored", "gate passages new to the database", registry=r
        )
        self.rejected = Counter(
            "parking_ingest_rejected", "messages recorded as rejected", ["code"], registry=r
        )
        self.camera_posts = Counter(
            "parking_ingest_camera_posts", "posts of cameras over HTTP", ["outcome"], registry=r
        )
        self.retries = Counter("parking_ingest_retries", "transactions tried again", ["reason"], registry=r)
        self.batch_size = Histogram(
            "parking_ingest_batch_messages", "messages in a transaction", buckets=_SIZES, registry=r
        )
        self.batch_events = Histogram(
            "parking_ingest_batch_events", "observations in a transaction", buckets=_SIZES, registry=r
        )
        self.decode_seconds = Histogram(
            "parking_ingest_decode_seconds", "time to decode a batch", buckets=_SECONDS, registry=r
        )
        self.commit_seconds = Histogram(
            "parking_ingest_commit_seconds", "time of a transaction", buckets=_SECONDS, registry=r
        )
        self.lateness_seconds = Histogram(
            "parking_ingest_lateness_seconds",
            "from arrival at the broker to commit",
            buckets=_SECONDS,
            registry=r,
        )
        self.database_up = Gauge(
            "parking_ingest_database_up", "1 while the database takes batches", registry=r
        )
        self.device_keys = Gauge(
            "parking_ingest_devices_with_key", "devices whose frames must be sealed", registry=r
        )
        self.published = Counter(
            "parking_ingest_availability_published", "retained snapshots published", registry=r
        )

    def watch(
        self,
        source: Source,
        *,
        waiting: Callable[[], int],
        behind_s: Callable[[], float],
        held_back: Callable[[], int],
    ) -> None:
        """Tell of these from now on, as they are when somebody asks."""
        values: dict[tuple[str, str], Callable[[], float]] = {
            ("broker_connected", "1 while the broker is connected"): lambda: source.connected,
            ("messages_waiting", "messages arrived, not yet stored"): waiting,
            ("messages_unacknowledged", "messages arrived, not yet acknowledged"): (
                lambda: source.unacknowledged
            ),
            ("broker_held_back", "1 while the broker may not send more"): lambda: source.full,
            ("behind_seconds", "for how long more has been arriving than is stored"): behind_s,
            ("bays_held_back", "bays whose latest word is held back until it has lasted"): held_back,
        }
        for (name, says), value in values.items():
            Gauge(f"parking_ingest_{name}", says, registry=self.registry).set_function(value)

    def totals(self) -> dict[str, float]:
        """What was counted since the start, whatever the label."""
        counters = {
            "messages": self.received,
            "acknowledged": self.acknowledged,
            "events": self.events,
            "copies": self.duplicates,
            "passages": self.passages,
            "rejected": self.rejected,
            "retries": self.retries,
        }
        return {name: _total(counter) for name, counter in counters.items()}


def _total(counter: Counter) -> float:
    (family,) = counter.collect()
    return sum(sample.value for sample in family.samples if sample.name.endswith("_total"))
