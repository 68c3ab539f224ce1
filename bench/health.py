"""How well sick devices are found: `python -m bench.health [--bays N] [--seed N] [--json]`.

Three weeks of a simulated city go through the writer into a real database, and the sweep looks at it every
six hours, as in life. What it finds is held against what is known to be broken. A table of each rule: how
many devices have that fault, precision and recall at the end, how many sound devices were ever accused, and
how long after its beginning a fault was found.
"""

import argparse
import asyncio
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from statistics import median

import numpy as np

from bench.ailing_city import BATTERY_DAYS, LIFE_DAYS, OTHER_HEARTBEAT_S, AilingCity
from bench.ground import ground
from parking.columns import Observations, microseconds, take
from parking.db.connect import Connection, connect, tune_for_batches
from parking.db.device_health import sample_batteries
from parking.db.records import Batch, BayRecord
from parking.db.registry import import_registry
from parking.db.sweep import sweep
from parking.db.table import BayTable, load_table
from parking.db.write import write_batch
from parking.health.model import Rule
from parking.model import BayObservation
from parking.registry import parse_registry

QUARTER_US = 6 * 3600 * 1_000_000
EARLY_DAY = 1 - BATTERY_DAYS
"""When devices are looked at that are still learning, in days of life: before it begins."""

Found = tuple[str, Rule]


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """How one rule did. `delay_h` is the median from the beginning of a fault to its finding."""

    rule: str
    sick: int
    found: int
    right: int
    ever_wrong: int
    delay_h: float | None

    @property
    def precision(self) -> float:
        """The share of the findings that are right."""
        return self.right / self.found if self.found else 1.0

    @property
    def recall(self) -> float:
        """The share of the sick devices that were found."""
        return self.right / self.sick if self.sick else 1.0


@dataclass(frozen=True, slots=True)
class Batteries:
    """How well the days were forecast on which batteries that run out within 45 days are empty."""

    count: int
    forecast: int
    median_error_days: float
    worst_error_days: float
    not_before_earliest: float


@dataclass(frozen=True, slots=True)
class Result:
    """What was measured."""

    scores: list[Score]
    batteries: Batteries
    sweep_s: float


async def run(database_url: str, *, seed: int, bays: int, sites: int, share: float = 0.04) -> Result:
    """Let the city live in a fresh migrated database, and judge what is found."""
    # After the import, which is now, and on a Monday, so that a seed tells all.
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    start = today + timedelta(days=7 - today.weekday())
    city = AilingCity(start, seed=seed, bays=bays, sites=sites, share=share)
    async with connect(database_url, name="bench", autocommit=True) as connection:
        await import_registry(connection, parse_registry(city.registry(), source="simulated city"))
        await connection.execute("UPDATE device_assignment SET recorded_at = %s", (start,))
        await tune_for_batches(connection)
        async with connection.transaction():
            table = await load_table(connection)
        return await _Run(connection, table, city).live()


class _Run:
    """One city's life; `_found_at` is when each finding was first made, in days of life."""

    def __init__(self, connection: Connection, table: BayTable, city: AilingCity) -> None:
        self._connection = connection
        self._table = table
        self._city = city
        # The table has its own order of bays.
        self._slots = np.array([table.slots[bay] for bay in city.city.bay_ids], dtype=np.int64)
        self._found_at: dict[Found, float] = {}
        self._wrong: set[Found] = set()
        self._sweep_s: list[float] = []

    async def live(self) -> Result:
        await self._tell_heartbeats()
        early: set[Found] = set()
        found: set[Found] = set()
        for day in range(BATTERY_DAYS):
            now = self._city.start + timedelta(days=day + 1)
            await self._write(self._city.batteries(day), now)
            await sample_batteries(self._connection, self._table.sites, now=now)
            if day == 0:
                early = await self._look(EARLY_DAY)
        for day, told in enumerate(self._city.days()):
            quarter = np.clip((told.seen_us - microseconds(self._at(day))) // QUARTER_US, 0, 3)
            for number in range(4):
                at = day + (number + 1) / 4
                await self._write(take(told, np.flatnonzero(quarter == number)), self._at(at))
                if number == 3:
                    await self._write(self._city.batteries(BATTERY_DAYS + day), self._at(at))
                found = await self._look(at)
        scores = [
            self._score(rule, early, EARLY_DAY)
            if rule is Rule.LEARNING
            else self._score(rule, found, LIFE_DAYS)
            for rule in Rule
        ]
        return Result(scores, await self._judge_batteries(), median(self._sweep_s))

    def _at(self, day: float) -> datetime:
        return self._city.life_at + timedelta(days=day)

    async def _tell_heartbeats(self) -> None:
        """Some devices say when they start that they have another interval."""
        city, at = self._city.city, self._city.start
        records = []
        for bay in np.flatnonzero(self._city.ills.other_heartbeat).tolist():
            said = BayObservation(
                device=city.device_ids[bay],
                state=None,
                event_at=at,
                seen_at=at,
                seq=0,
                heartbeat_s=OTHER_HEARTBEAT_S,
            )
            records.append(BayRecord(city.bay_ids[bay], city.sites[city.site_of[bay]].id, said, at))
        await write_batch(self._connection, Batch(bays=records), now=at, table=self._table)

    async def _write(self, told: Observations, now: datetime) -> None:
        if len(told):
            told.bay = self._slots[told.bay]
            await write_batch(self._connection, Batch(frames=[told]), now=now, table=self._table)

    async def _look(self, day: float) -> set[Found]:
        """Sweep, and note what is found."""
        swept = await sweep(self._connection, now=self._at(day))
        self._sweep_s.append(swept.took_s)
        cursor = await self._connection.execute(
            "SELECT bay_id, rule FROM health_finding WHERE closed_at IS NULL"
        )
        found = {(bay, Rule(rule)) for bay, rule in await cursor.fetchall()}
        for finding in found:
            self._found_at.setdefault(finding, day)
        truth, sound = {rule: self._city.truth(rule, day) for rule in Rule}, self._city.sound()
        self._wrong |= {(bay, rule) for bay, rule in found if bay in sound and bay not in truth[rule]}
        return found

    def _score(self, rule: Rule, found: Iterable[Found], day: float) -> Score:
        truth = self._city.truth(rule, day)
        mine = {bay for bay, of in found if of is rule}
        delays = [
            self._found_at[(bay, rule)] - began
            for bay in mine & truth
            if (began := self._city.began(rule, bay)) is not None
        ]
        return Score(
            rule=rule.value,
            sick=len(truth),
            found=len(mine),
            right=len(mine & truth),
            ever_wrong=sum(of is rule for _, of in self._wrong),
            delay_h=24 * median(delays) if delays else None,
        )

    async def _judge_batteries(self) -> Batteries:
        """Of those that run out within 45 days: how far off the day is, and the earliest day's promise."""
        cursor = await self._connection.execute(
            "SELECT device_id, empty_on, empty_earliest FROM device_health"
        )
        told = {device: days for device, *days in await cursor.fetchall()}
        city, ends = self._city.city, self._at(LIFE_DAYS).date()
        errors, kept = [], 0
        low = np.flatnonzero(self._city.ills.empty_day < LIFE_DAYS + 45).tolist()
        for bay in low:
            empty_on, earliest = told.get(city.device_ids[bay], (None, None))
            if empty_on is not None and earliest is not None:
                truth = float(self._city.ills.empty_day[bay]) - LIFE_DAYS
                errors.append(abs((empty_on - ends).days - truth))
                kept += (earliest - ends).days <= truth + 1
        return Batteries(len(low), len(errors), median(errors), max(errors), kept / len(errors))


def show(result: Result) -> None:
    """The table for people."""
    print(f"{'rule':26}{'sick':>6}{'found':>7}{'precision':>11}{'recall':>8}{'ever wrong':>12}{'delay h':>9}")
    for s in result.scores:
        delay = "-" if s.delay_h is None else f"{s.delay_h:.1f}"
        print(
            f"{s.rule:26}{s.sick:6}{s.found:7}{s.precision:11.3f}{s.recall:8.3f}{s.ever_wrong:12}{delay:>9}"
        )
    b = result.batteries
    print(
        f"\n{b.count} batteries that run out within 45 days: {b.forecast} forecast, off by "
        f"{b.median_error_days:.1f} days (median), {b.worst_error_days:.1f} at worst; "
        f"{b.not_before_earliest:.0%} live until the earliest day told"
    )
    print(f"one sweep: {result.sweep_s:.2f} s (median)")


async def _main(arguments: argparse.Namespace) -> Result:
    async with ground(broker=False) as found:
        url = found.databases.create()
        try:
            return await run(url, seed=arguments.seed, bays=arguments.bays, sites=arguments.sites)
        finally:
            found.databases.drop(url)


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.health", description=__doc__)
    parser.add_argument("--bays", type=int, default=600)
    parser.add_argument("--sites", type=int, default=18, help="a third of them have gates and no bays")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of a table")
    arguments = parser.parse_args()
    result = asyncio.run(_main(arguments))
    if arguments.json:
        print(json.dumps(asdict(result)))
    else:
        show(result)


if __name__ == "__main__":
    main()
