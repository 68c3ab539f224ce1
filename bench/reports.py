"""How long reports on a year take: `python -m bench.reports [--bays N] [--days N] [--plain] [--json]`.

A year of stays is filled in by COPY, with the roll-ups that ingest would have kept. A large city's year is
`--bays 10000 --days 365`, some 36 million stays; the default is small. See bench/README.md.
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

from bench.a_year import BEGIN, City, fill
from bench.ground import ground
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
class Result:
    """Seconds, medians of `REPEATS` (the scan: one), by how many days each looks back over."""

    database: str
    bays: int
    days: int
    stays: int
    fill_s: float
    city_by_month_s: dict[int, float]
    profile_of_a_site_s: dict[int, float]
    scan_of_stays_s: dict[int, float]

    @property
    def times_faster(self) -> float:
        """The city by month from the roll-ups, against a plain scan of the stays, over all days."""
        return self.scan_of_stays_s[self.days] / self.city_by_month_s[self.days]


async def measure(*, bays: int, days: int, plain: bool) -> Result:
    """Fill a fresh database, ask, and remove it."""
    async with _database(plain) as url, connect(url, name="bench", autocommit=True) as connection:
        edition = str(await find_edition(connection))
        print(f"bench: {edition}, {bays} bays, {days} days", file=sys.stderr)
        begun = time.monotonic()
        stays = await fill(connection, City(bays), days, _progress(days))
        filled_s = time.monotonic() - begun
        city, profile, scan = {}, {}, {}
        for span in sorted({max(1, days // 12), max(1, days // 4), max(1, days // 2), days}):
            city[span] = await _timed(connection, _city, span)
            profile[span] = await _timed(connection, _profile, span)
            scan[span] = await _timed(connection, _scan, span, repeats=1)
    return Result(edition, bays, days, stays, filled_s, city, profile, scan)


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


def _progress(days: int) -> Callable[[int, int], None]:
    begun = time.monotonic()

    def told(day: int, stays: int) -> None:
        if not sys.stderr.isatty() and day % 30 and day != days:
            return
        done = day * 30 // days
        left = (time.monotonic() - begun) / day * (days - day)
        bar = "#" * done + "." * (30 - done)
        end = "\r" if sys.stderr.isatty() and day != days else "\n"
        print(f"[{bar}] day {day} of {days}, {stays:,} stays, {left:.0f} s left", end=end, file=sys.stderr)

    return told


async def _timed(
    connection: Connection,
    ask: Callable[[Connection, str, int], Awaitable[None]],
    days: int,
    repeats: int = REPEATS,
) -> float:
    until = f"{BEGIN + timedelta(days=days):%Y-%m-%d}"
    taken = []
    for _ in range(repeats):
        begun = time.monotonic()
        await ask(connection, until, days)
        taken.append(time.monotonic() - begun)
    return median(taken)


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
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    found = asyncio.run(measure(bays=asked.bays, days=asked.days, plain=asked.plain))
    if asked.json:
        print(json.dumps(asdict(found) | {"times_faster": found.times_faster}))
        return
    print(f"{found.database}: {found.stays:,} stays of {found.bays} bays, filled in {found.fill_s:.0f} s")
    print(f"{'days':>6} {'city by month':>14} {'profile':>10} {'scan of stays':>14}")
    for days, city_s in found.city_by_month_s.items():
        profile_s, scan_s = found.profile_of_a_site_s[days], found.scan_of_stays_s[days]
        print(f"{days:>6} {city_s * 1000:>11.0f} ms {profile_s * 1000:>7.0f} ms {scan_s * 1000:>11.0f} ms")
    print(f"the city by month is {found.times_faster:.0f} times faster than a plain scan of the stays")


if __name__ == "__main__":
    main()
