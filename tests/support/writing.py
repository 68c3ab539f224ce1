"""A writer as the ingestor makes it."""

from datetime import timedelta

from ingest.admit import Admission, Rules
from ingest.authentic import NO_KEYS, Verifier
from ingest.clock import Clock
from ingest.faultpoint import FaultPoint
from ingest.metrics import Metrics
from ingest.writer import SPLIT_EVENTS, Writer
from parking.plates import PlateKeys

RULES = Rules(late=timedelta(days=7), early=timedelta(minutes=2))


def writing_to(
    database_url: str,
    metrics: Metrics | None = None,
    *,
    admission: type[Admission] = Admission,
    keys: PlateKeys | None = None,
    verifier: Verifier = NO_KEYS,
    split_events: int = SPLIT_EVENTS,
    debounce_s: float = 0.0,
) -> Writer:
    """One that writes into this database."""
    return Writer(
        database_url,
        metrics or Metrics(),
        lambda known: admission(known, RULES, keys, verifier=verifier),
        clock=Clock(),
        faults=FaultPoint(None),
        split_events=split_events,
        debounce_s=debounce_s,
    )
