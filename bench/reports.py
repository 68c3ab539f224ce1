"""How long reports on a year take: `python -m bench.reports [--bays N] [--days N] [--plain] [--json]`.

A year of stays is filled in by COPY, with the roll-ups that ingest would have kept. A large city's year is
`--bays 10000 --days 365`, some 36 million stays; the default is small. `--database URL` measures on one that
`bench.a_year` has filled, and leaves it. See bench/README.md.
"""

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from datetime import timedelta
from statistics import median
from typing import Any

from bench.a_year import BEGIN, City, fill, filled, progress
from bench.ground import ground
from bench.meter import cpu_s
from parking.db.connect import Connection, connect, find_edition
from parking.db.report_request import parse_question
from parking.db.use_reports import profile_report, use_report

REPEATS = 5
_SCAN = """
SELECT date_trunc('month', started_at AT TIME ZONE 'Europe/London'),
       sum(extract(epoch FROM ended_at - started_at))
  FROM ended_stay WHERE started_at < %(until)s GROUP BY 1
"""


@dataclass(frozen=True, slots=True)
class Took:
    """Seconds of one answer, and of the processor: ours and those of the database, where they can be seen."""

    wall_s: float
    processor_s: float


@dataclass(frozen=True, slots=True)
class Result:
    """Medians of `REPEATS` (the scan: one), by how many days each looks back over. `fill_s`: None if it was
    filled before.
    """

    database: str
    bays: int
    days: int
    stays: int
    fill_s: float | None
    city_by_month: dict[int, Took]
    profile_of_a_site: dict[int, Took]
    scan_of_stays: dict[int, Took]

    @property
    def times_faster(self) -> float:
        """The city by month from the roll-ups, against a plain scan of the stays, over all days."""
        return self.scan_of_stays[self.days].wall_s / self.city_by_month[self.days].wall_s


async def measure(*, bays: int, days: int, plain: bool) -> Result:
    """Fill a fresh database, ask, and remove it."""
    async with _database(plain) as url, connect(url, name="bench", autocommit=True) as connection:
        print(f"bench: {await find_edition(connection)}, {bays} bays, {days} days", file=sys.stderr)
        begun = time.monotonic()
        stays = await fill(connection, City(bays), days, progress(days))
        return await _ask(connection, bays, days, stays, time.monotonic() - begun)


async def measure_on(url: str) -> Result:
    """Ask a database that is filled, and leave it."""
    async with connect(url, name="bench", autocommit=True) as connection:
        return await _ask(connection, *await filled(connection), None)


async def _ask(connection: Connection, bays: int, days: int, stays: int, fill_s: float | None) -> Result:
    edition = str(await find_edition(connection))
    city, profile, scan = {}, {}, {}
    for span in sorted({max(1, days // 12), max(1, days // 4), max(1, days // 2), days}):
        city[span] = await _timed(connection, _city, span)
        profile[span] = await _timed(connection, _profile, span)
        scan[span] = await _timed(connection, _scan, span, repeats=1)
    return Result(edition, bays, days, stays, fill_s, city, profile, scan)


@asynccontextmanager
async def _database(plain: bool) -> Any:
    """A fresh migrated database on the main server, or on PostgreSQL without TimescaleDB."""
    if not plain:
        async with ground(broker=False) as found:
            url = found.databases.create()
            yield url
            found.databases.drop(url)
        return
    from tests.support.databases import Databases
    from tests.support.services import find_services

    services = find_services()
    databases = Databases(services.plain_database())
    try:
        yield databases.create()
    finally:
        databases.close()
        services.close()


async def _timed(
    connection: Connection,
    ask: Callable[[Connection, str, int], Awaitable[None]],
    days: int,
    repeats: int = REPEATS,
) -> Took:
    until = f"{BEGIN + timedelta(days=days):%Y-%m-%d}"
    (backend,) = await (await connection.execute("SELECT pg_backend_pid()")).fetchone() or (0,)
    taken = []
    for _ in range(repeats):
        begun, used = time.monotonic(), time.process_time() + cpu_s(backend)
        await ask(connection, until, days)
        taken.append((time.monotonic() - begun, time.process_time() + cpu_s(backend) - used))
    return Took(median(wall for wall, _ in taken), median(processor for _, processor in taken))


async def _city(connection: Connection, until: str, days: int) -> None:
    asked = parse_question(from_text=f"{BEGIN:%Y-%m-%d}", until_text=until, bucket="month", by="all")
    report = await use_report(connection, asked)
    assert report.total.sessions, "the roll-ups hold something"


async def _profile(connection: Connection, until: str, days: int) -> None:
    site = "site-00000"
    asked = parse_question(from_text=f"{BEGIN:%Y-%m-%d}", until_text=until, bucket="hour", sites=[site])
    report = await profile_report(connection, asked)
    assert report.lines[0].total.sessions, "the roll-ups hold something"


async def _scan(connection: Connection, until: str, days: int) -> None:
    cursor = await connection.execute(_SCAN, {"until": BEGIN + timedelta(days=days)})
    await cursor.fetchall()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.reports", description=__doc__)
    parser.add_argument("--bays", type=int, default=200)
    parser.add_argument("--days", type=int, default=28)
    parser.add_argument("--plain", action="store_true", help="on PostgreSQL without TimescaleDB")
    parser.add_argument("--database", metavar="URL", help="one that `python -m bench.a_year` has filled")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    if asked.database:
        found = asyncio.run(measure_on(asked.database))
    else:
        found = asyncio.run(measure(bays=asked.bays, days=asked.days, plain=asked.plain))
    if asked.json:
        print(json.dumps(asdict(found) | {"times_faster": found.times_faster}))
        return
    took = "filled before" if found.fill_s is None else f"filled in {found.fill_s:.0f} s"
    print(f"{found.database}: {found.stays:,} stays of {found.bays} bays, {took}")
    print(f"{'days':>6} {'city by month':>22} {'profile of a site':>22} {'scan of stays':>24}   (processor)")
    for days in found.city_by_month:
        told = (found.city_by_month[days], found.profile_of_a_site[days], found.scan_of_stays[days])
        cells = [f"{one.wall_s * 1000:.0f} ms ({one.processor_s * 1000:.0f})" for one in told]
        print(f"{days:>6} {cells[0]:>22} {cells[1]:>22} {cells[2]:>24}")
    print(f"the city by month is {found.times_faster:.0f} times faster than a plain scan of the stays")


if __name__ == "__main__":
    main()
