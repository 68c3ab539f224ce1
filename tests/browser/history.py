"""Some weeks of use for the town's streets: what their sensors would have said, stored as by an ingestor."""

import random
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

from parking.db.connect import Connection
from parking.db.records import Batch, BayRecord
from parking.db.write import write_batch
from parking.model import BayObservation, EventKind, Occupancy
from parking.registry import Site

STEP = timedelta(minutes=30)
BATCH = 4000
BUSY = (1, 1, 1, 1, 1, 2, 4, 7, 9, 9, 9, 9, 10, 10, 9, 8, 8, 8, 7, 6, 5, 4, 2, 1)
"""Of ten bays, how many are taken at each hour of a weekday."""


async def make_history(connection: Connection, sites: Sequence[Site], *, days: int) -> None:
    """Store the history of these sites until an hour ago."""
    now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    records = sorted(
        (record for site in sites for record in _history(site, now - timedelta(hours=1), days)),
        key=lambda record: record.received_at,
    )
    for begin in range(0, len(records), BATCH):
        await write_batch(connection, Batch(bays=records[begin : begin + BATCH]), now=now)


def _history(site: Site, until: datetime, days: int) -> Iterator[BayRecord]:
    chance = random.Random(site.id)
    for bay in site.bays:
        at, seq, state = until - timedelta(days=days), 0, Occupancy.VACANT
        since = at
        while at < until:
            weekend = 0.6 if at.weekday() >= 5 else 1.0
            wanted = chance.random() < BUSY[at.hour] * weekend / 10
            fresh = Occupancy.OCCUPIED if wanted else Occupancy.VACANT
            changed = seq == 0 or (fresh is not state and chance.random() < 0.6)
            seen = at + timedelta(minutes=chance.randrange(20))
            if changed:
                seq, state, since = seq + 1, fresh, seen
            yield BayRecord(
                bay.id,
                site.id,
                BayObservation(
                    device=bay.sensor.id if bay.sensor else bay.id,
                    state=state,
                    event_at=since,
                    seen_at=seen,
                    seq=seq,
                    age_s=int((seen - since).total_seconds()),
                    kind=EventKind.CHANGE if changed else EventKind.HEARTBEAT,
                ),
                seen,
            )
            at += STEP


async def make_passages(connection: Connection, site: str, *, days: int) -> None:
    """Store what the cameras of a car park saw until an hour ago: more at noon than at night.

    Every vehicle stays 90 minutes; of four that leave three are paired with their entry.
    """
    await connection.execute(
        "INSERT INTO visit (site_id, entered_at, left_at, outcome, entry, exit)"
        " SELECT %(site)s, at, at + interval '90 minutes', 'complete', 'e' || at || n, 'x' || at || n"
        " FROM generate_series(date_trunc('hour', now()) - make_interval(days => %(days)s),"
        "      now() - interval '3 hours', interval '1 hour') AS at,"
        " generate_series(1, (16 - abs(13 - extract(hour FROM at)))::int) AS n WHERE mod(n, 4) > 0",
        {"site": site, "days": days},
    )
    await connection.execute(
        "INSERT INTO gate_event (camera_id, site_id, event_at, event_id, direction, received_at)"
        " SELECT %(site)s || way, %(site)s, at + later, at || '-' || n, substr(way, 2), at + later"
        " FROM generate_series(date_trunc('hour', now()) - make_interval(days => %(days)s),"
        "      now() - interval '3 hours', interval '1 hour') AS at,"
        " generate_series(1, (16 - abs(13 - extract(hour FROM at)))::int) AS n,"
        " (VALUES ('-in', interval '0'), ('-out', interval '90 minutes')) AS passage(way, later)",
        {"site": site, "days": days},
    )
