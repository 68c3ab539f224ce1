"""What the ingestor tells a monitoring system."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_SECONDS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60)
_SIZES = (1, 10, 50, 100, 250, 500, 1000, 2000, 5000)


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
        self.passages = Counter(
            "parking_ingest_passages_stored", "gate passages new to the database", registry=r
        )
        self.rejected = Counter(
            "parking_ingest_rejected", "messages recorded as rejected", ["code"], registry=r
        )
        self.retries = Counter("parking_ingest_retries", "transactions tried again", ["reason"], registry=r)
        self.batch_size = Histogram(
            "parking_ingest_batch_messages", "messages in a transaction", buckets=_SIZES, registry=r
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
        self.waiting = Gauge("parking_ingest_messages_waiting", "messages arrived, not yet taken", registry=r)
        self.connected = Gauge(
            "parking_ingest_broker_connected", "1 while the broker is connected", registry=r
        )
        self.database_up = Gauge(
            "parking_ingest_database_up", "1 while the database takes batches", registry=r
        )
        self.published = Counter(
            "parking_ingest_availability_published", "retained snapshots published", registry=r
        )
