"""A made-up year of a city's stays, with the roll-ups that ingest would have kept, filled in by COPY.

`python -m bench.a_year --database URL [--bays N] [--days N]` fills a migrated, empty database, and leaves it;
`bench.reports` and `bench.exports` take its address then, and do not fill one themselves.

Each bay has some ten stays a day, none over midnight UTC, most by day. Ids have fixed lengths, so that a row
has, and numpy writes PostgreSQL's binary format without a loop over rows.
"""

import argparse
import asyncio
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from parking.columns import Ints, microseconds
from parking.db.binary import COPY_HEADER, COPY_TRAILER, PG_EPOCH_US
from parking.db.connect import Connection, connect
from parking.db.periods import recount_days
from parking.db.registry import import_registry
from parking.registry import parse_registry
from parking.usage import OCCUPIED_TIME, QUARTER_US, SUMS, Usage, moments, spans, usage

BEGIN = datetime(2025, 1, 1, tzinfo=UTC)
SITE_BAYS = 50
STAYS_A_DAY = 9.9
CATEGORIES = ("standard", "disabled", "electric")
"""Of one length."""
_SHARE = (0.8, 0.9, 1.0)
_BUSY = np.array([1, 1, 1, 1, 1, 2, 4, 8, 12, 14, 14, 14, 15, 14, 13, 13, 13, 14, 12, 9, 6, 4, 2, 1], float)
"""How much happens in each hour of the day."""
_DAY_US = 86_400_000_000

Told = Callable[[int, int], None]
"""Is told how many stays there are after how many days."""


class City:
    """Bays by number: their sites, and their groups of site and category."""

    def __init__(self, bays: int) -> None:
        self.bays = bays
        self.sites = [f"site-{number:05}" for number in range(-(-bays // SITE_BAYS))]
        self.site_of = np.arange(bays) // SITE_BAYS
        place = (np.arange(bays) % SITE_BAYS) / SITE_BAYS
        self.category_of = np.searchsorted(_SHARE, place, side="right")
        self.groups = [(site, category) for site in self.sites for category in CATEGORIES]
        self.group_of = self.site_of * len(CATEGORIES) + self.category_of
        self.ids = np.array([f"bay-{number:06}" for number in range(bays)], dtype="S10")

    def registry(self) -> Any:
        """The city's registry file."""
        streets: list[dict[str, Any]] = [
            {"id": site, "name": site, "kind": "on_street", "counting": "bays", "bays": []}
            for site in self.sites
        ]
        for number in range(self.bays):
            bay: dict[str, Any] = {"id": f"bay-{number:06}", "category": CATEGORIES[self.category_of[number]]}
            bay["sensor"] = {"id": f"sensor-{number:06}"}
            streets[self.site_of[number]]["bays"].append(bay)
        return parse_registry({"sites": streets}, source="bench")


def progress(days: int) -> Told:
    """A bar on standard error: a line that is written anew if a person sees it, else one every 30 days."""
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


async def fill(connection: Connection, city: City, days: int, told: Told) -> int:
    """Make the city and its stays of so many days; how many there are."""
    await import_registry(connection, city.registry())
    for statement in _PREPARE:
        await connection.execute(statement, {"begin": BEGIN})
    random = np.random.default_rng(1)
    total = 0
    for day in range(days):
        bay, start, end = _stays(random, city.bays, microseconds(BEGIN + timedelta(days=day)))
        await _copy(connection, _COPY_STAYS, _stay_rows(city, bay, start, end))
        seen = np.ones(len(bay), dtype=np.bool_)
        points = moments(
            city.group_of[bay],
            start_us=start,
            end_us=end,
            start_seen=seen,
            end_seen=seen,
            weight=np.ones(len(bay), dtype=np.int64),
        )
        sums = usage(spans(city.group_of[bay], start, end, weight=1, kind=OCCUPIED_TIME), points)
        # In the order of time, as ingest would have written them.
        await _copy(
            connection, _COPY_USAGE, _usage_rows(city, sums.take(np.lexsort((sums.group, sums.quarter))))
        )
        total += len(bay)
        told(day + 1, total)
    async with connection.transaction():
        await recount_days(connection, city.sites)
    await connection.execute("ANALYZE")
    return total


async def filled(connection: Connection) -> tuple[int, int, int]:
    """How many bays, days and stays a database has that was filled."""
    cursor = await connection.execute(
        "SELECT (SELECT count(*) FROM bay), (SELECT count(DISTINCT day) FROM site_day),"
        " (SELECT sum(sessions) FROM site_day)"
    )
    (found,) = await cursor.fetchall()
    bays, days, stays = (int(number) for number in found)
    return bays, days, stays


_PREPARE = (
    "UPDATE bay SET first_at = %(begin)s",
    "UPDATE bay_period SET from_at = %(begin)s",
    "UPDATE bay_state SET reported = 'vacant', state = 'vacant', since = now(), event_at = now(),"
    " seen_at = now()",
)
_COPY_STAYS = (
    "COPY ended_stay (bay_id, site_id, started_at, ended_at, start_seen, end_seen) FROM STDIN (FORMAT BINARY)"
)
_COPY_USAGE = (
    "COPY site_usage (site_id, category, quarter_at, occupied_us, unknown_us, arrivals, departures, sessions,"
    " dwelt, dwell_us) FROM STDIN (FORMAT BINARY)"
)


def _stays(random: np.random.Generator, bays: int, midnight_us: int) -> tuple[Ints, Ints, Ints]:
    """One day's: of each bay some points of the day in order, each second one an end."""
    count = np.clip(random.poisson(STAYS_A_DAY, bays), 1, 40)
    owner = np.repeat(np.arange(bays), 2 * count)
    at = random.random(len(owner))
    at = at[np.lexsort((at, owner))]
    edges = np.concatenate(([0.0], np.cumsum(_BUSY) / _BUSY.sum()))
    us = np.interp(at, edges, np.linspace(0, _DAY_US, len(edges))).astype(np.int64) + midnight_us
    start, end = us[::2], us[1::2]
    some = end > start
    return owner[::2][some], start[some], end[some]


def _rows(fields: list[tuple[Any, str]]) -> bytes:
    """Rows of a binary COPY from columns of fixed size."""
    kinds = [("count", ">i2")]
    for number, (_, kind) in enumerate(fields):
        kinds += [(f"size{number}", ">i4"), (f"value{number}", kind)]
    out = np.empty(len(fields[0][0]), dtype=kinds)
    out["count"] = len(fields)
    for number, (values, _) in enumerate(fields):
        out[f"size{number}"] = out.dtype[f"value{number}"].itemsize
        out[f"value{number}"] = values
    return out.tobytes()


def _stay_rows(city: City, bay: Ints, start: Ints, end: Ints) -> bytes:
    seen = np.ones(len(bay), dtype="u1")
    sites = np.array(city.sites, dtype="S10")[city.site_of[bay]]
    times = ((start - PG_EPOCH_US, ">i8"), (end - PG_EPOCH_US, ">i8"))
    return _rows([(city.ids[bay], "S10"), (sites, "S10"), *times, (seen, "u1"), (seen, "u1")])


def _usage_rows(city: City, sums: Usage) -> bytes:
    sites = np.array([site for site, _ in city.groups], dtype="S10")[sums.group]
    categories = np.array([category for _, category in city.groups], dtype="S8")[sums.group]
    kinds = {name: ">i8" if name.endswith("_us") else ">i4" for name in SUMS}
    at = (sums.quarter * QUARTER_US - PG_EPOCH_US, ">i8")
    return _rows(
        [(sites, "S10"), (categories, "S8"), at, *((getattr(sums, name), kinds[name]) for name in SUMS)]
    )


async def _copy(connection: Connection, statement: Any, rows: bytes) -> None:
    async with connection.cursor() as cursor, cursor.copy(statement) as copy:
        await copy.write(COPY_HEADER)
        await copy.write(rows)
        await copy.write(COPY_TRAILER)


async def _fill(url: str, bays: int, days: int) -> int:
    async with connect(url, name="bench", autocommit=True) as connection:
        return await fill(connection, City(bays), days, progress(days))


def main() -> None:
    """Fill, and say how much and how long it took."""
    parser = argparse.ArgumentParser(prog="python -m bench.a_year", description=__doc__)
    parser.add_argument("--database", required=True, metavar="URL")
    parser.add_argument("--bays", type=int, default=10_000)
    parser.add_argument("--days", type=int, default=365)
    asked = parser.parse_args()
    begun = time.monotonic()
    stays = asyncio.run(_fill(asked.database, asked.bays, asked.days))
    print(f"{stays:,} stays of {asked.bays} bays, filled in {time.monotonic() - begun:.0f} s")


if __name__ == "__main__":
    main()
