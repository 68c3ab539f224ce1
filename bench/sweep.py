"""How long a look at all devices takes: `python -m bench.sweep [--bays N] [--changes N] [--json]`.

A week of events is made in a fresh database, with a battery's sample for each device and day of two months.
The first sweep of a day takes samples and forecasts every battery; the others do not.
"""

import argparse
import asyncio
import json
import resource
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta

from bench.ground import ground
from parking.db.connect import connect
from parking.db.registry import import_registry
from parking.db.sweep import sweep
from parking.registry import parse_registry

SITE_BAYS = 50

_EVENTS = """
INSERT INTO bay_event (bay_id, device_id, site_id, event_at, session, seq, part, state, fault, kind, age_s,
                       received_at)
SELECT s.bay_id, s.device_id, s.site_id, at.at, 1, n, 0, (ARRAY['vacant', 'occupied'])[n %% 2 + 1], false,
       'change', 0, at.at
  FROM bay_state s, generate_series(1, %(changes)s * 7) AS n,
       LATERAL (SELECT %(now)s::timestamptz
                       - (%(changes)s * 7 - n + random()) * INTERVAL '1 day' / %(changes)s) AS at (at)
"""
_STATES = """
UPDATE bay_state
   SET reported = 'vacant', since = %(now)s, seen_at = %(now)s, event_at = %(now)s, battery_v = 3.5
"""
_SAMPLES = """
INSERT INTO battery_sample (device_id, day, battery_v)
SELECT device_id, %(now)s::date - n, 3.4 + n * 0.001 + random() * 0.02
  FROM device, generate_series(1, 60) AS n
"""


@dataclass(frozen=True, slots=True)
class Result:
    """Seconds for the first and a later sweep of a day, and the process's peak memory."""

    bays: int
    events: int
    first_s: float
    later_s: float
    peak_rss_mib: float


async def measure(*, bays: int, changes: int) -> Result:
    """Make the week, and look at it twice."""
    streets = [
        {
            "id": f"street-{site:05}",
            "name": f"Street {site}",
            "kind": "on_street",
            "counting": "bays",
            "bays": [
                {"id": f"bay-{site:05}-{bay:02}", "sensor": {"id": f"s-{site:05}-{bay:02}"}}
                for bay in range(SITE_BAYS)
            ],
        }
        for site in range(bays // SITE_BAYS)
    ]
    now = datetime.now(UTC)
    async with ground(broker=False) as found:
        url = found.databases.create()
        async with connect(url, name="bench", autocommit=True) as connection:
            await import_registry(connection, parse_registry({"sites": streets}, source="bench"))
            for query in (_STATES, _EVENTS, _SAMPLES):
                await connection.execute(query, {"now": now, "changes": changes})
            await connection.execute("ANALYZE")
            first = await sweep(connection, now=now)
            later = await sweep(connection, now=now + timedelta(minutes=5))
        found.databases.drop(url)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return Result(first.bays, first.bays * changes * 7, first.took_s, later.took_s, peak)


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.sweep", description=__doc__)
    parser.add_argument("--bays", type=int, default=20_000)
    parser.add_argument("--changes", type=int, default=12, help="changes of each bay a day")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of a sentence")
    arguments = parser.parse_args()
    result = asyncio.run(measure(bays=arguments.bays, changes=arguments.changes))
    if arguments.json:
        print(json.dumps(asdict(result)))
        return
    print(
        f"{result.bays:,} bays, {result.events:,} events of a week: {result.first_s:.1f} s for the first "
        f"sweep of a day, {result.later_s:.1f} s for another, peak {result.peak_rss_mib:.0f} MiB"
    )


if __name__ == "__main__":
    main()
