"""A city's messages through the real code into a real database, with looks at what is published meanwhile."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, cast

import numpy as np

from bench.stage import BenchFailed
from bench.true_city import START, Lived, Stays, by_site, capacity_of, registry_of
from bench.truth_scores import OCCUPIED, UNKNOWN, VACANT, Ints, Samples
from ingest.admit import Admission, Rules
from ingest.source import Message
from parking.columns import microseconds
from parking.db.books import keep_books
from parking.db.connect import Connection, connect, tune_for_batches
from parking.db.known import Known, load_known
from parking.db.registry import import_registry
from parking.db.sites import published
from parking.db.write import forget_tokens, turn, write_batch
from parking.lanes import Lanes
from parking.plates import PlateKeys
from parking.registry import parse_registry
from parking.settings import Settings

_BOOKS_S: Final = 900
_CODES: Final = {"vacant": VACANT, "occupied": OCCUPIED, "unknown": UNKNOWN}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was published at each look, and the stays that reports are made of, in seconds from the start."""

    samples: Samples
    stays: Stays


async def follow(
    database_url: str, lived: Lived, *, every_s: int, outage_s: tuple[float, float] = (0.0, 0.0)
) -> Outcome:
    """Take all messages into a migrated, empty database. Raises BenchFailed if one is rejected.

    Every `every_s` seconds what is published is looked at; the messages until then are one transaction.
    From the one time of `outage_s` until the other no ingestor runs, and messages wait at the broker.
    """
    settings = Settings()
    with TemporaryDirectory(prefix="parking-bench-") as folder:
        async with connect(database_url, name="parking bench truth", autocommit=True) as connection:
            await _open(connection, lived)
            run = _Run(connection, await load_known(connection), lived, settings, PlateKeys(Path(folder)))
            return await run.whole(every_s, outage_s)


async def _open(connection: Connection, lived: Lived) -> None:
    """Register the city, as if that had been done when its life began."""
    await import_registry(connection, parse_registry(registry_of(lived.city), source="the true city"))
    await connection.execute("UPDATE device_assignment SET recorded_at = %s", (START,))
    await connection.execute("UPDATE count_correction SET corrected_at = %s", (START,))
    await tune_for_batches(connection)


class _Run:
    def __init__(
        self, connection: Connection, known: Known, lived: Lived, settings: Settings, keys: PlateKeys
    ) -> None:
        self._connection, self._known, self._lived = connection, known, lived
        self._settings, self._keys, self._lanes = settings, keys, Lanes()
        known.table.hold_us = round(settings.debounce_s * 1_000_000)
        self._late = timedelta(seconds=settings.late_limit_s)
        self._window = timedelta(seconds=settings.pairing_window_s)
        rules = Rules(self._late, timedelta(seconds=settings.early_limit_s), self._window)
        self._admission = Admission(known, rules, keys, self._lanes)
        self._gated = any(site.gates for site in lived.city.sites)

    async def whole(self, every_s: int, outage_s: tuple[float, float]) -> Outcome:
        sites, states = [], []
        for until_s, messages in _steps(self._lived, every_s, outage_s):
            now = START + timedelta(seconds=until_s)
            down = outage_s[0] < until_s <= outage_s[1]
            if not down:
                await self._write(messages, until_s)
            sites.append(await self._sites())
            states.append(await self._bay_states())
            if self._gated and not down and until_s % _BOOKS_S == 0:
                await keep_books(self._connection, now=now, window=self._window, late=self._late)
                await forget_tokens(self._connection, now=now, window=self._window)
                self._keys.destroy_old(now, self._window)
                self._lanes.forget(now)
        # Every look but the first, at which sensors may not have spoken yet.
        samples = self._samples(np.array(sites[1:]), np.array(states[1:]), every_s)
        return Outcome(samples, await self._stays())

    async def _write(self, messages: list[Message], until_s: float) -> None:
        now, table = START + timedelta(seconds=until_s), self._known.table
        if messages:
            batch = self._admission.batch(messages)
            if batch.rejections:
                raise BenchFailed(f"a message of the city was rejected: {batch.rejections[0]}")
            await write_batch(self._connection, batch, now=now, table=table)
        await turn(self._connection, table, now=now)

    async def _sites(self) -> list[tuple[int, ...]]:
        """Occupied, unknown, free_min and free_max of each site, in the city's order."""
        found = {snapshot.site_id: snapshot for snapshot in await published(self._connection)}
        mine = (found[site.id] for site in self._lived.city.sites)
        return [(one.occupied, one.unknown, one.free_min, one.free_max) for one in mine]

    async def _bay_states(self) -> list[int]:
        cursor = await self._connection.execute("SELECT bay_id, state FROM bay_state")
        states = dict(await cursor.fetchall())
        return [_CODES[states[bay]] for bay in self._lived.city.bay_ids]

    def _samples(self, sites: Ints, states: Ints, every_s: int) -> Samples:
        city = self._lived.city
        at = every_s * np.arange(2.0, len(sites) + 2)
        taken = self._lived.taken(at)
        occupied, unknown, free_min, free_max = np.moveaxis(sites, 2, 0)
        return Samples(
            every_s=every_s,
            capacity=capacity_of(city),
            occupied=occupied,
            unknown=unknown,
            free_min=free_min,
            free_max=free_max,
            truth=by_site(city, taken),
            bay_states=states.reshape(len(sites), city.bays),
            bay_truth=taken[:, : city.bays],
        )

    async def _stays(self) -> Stays:
        cursor = await self._connection.execute(
            "SELECT bay_id, started_at, ended_at, start_seen AND end_seen FROM stay"
        )
        number = {bay: slot for slot, bay in enumerate(self._lived.city.bay_ids)}
        end_s = self._lived.end_s
        rows = [
            (number[bay], _seconds(began), end_s if ended is None else _seconds(ended), whole)
            for bay, began, ended, whole in await cursor.fetchall()
        ]
        bay, begin, end, whole = zip(*sorted(rows), strict=True) if rows else ((), (), (), ())
        return Stays(
            np.array(bay, dtype=np.int64),
            np.array(begin, dtype=np.float64),
            np.array(end, dtype=np.float64),
            np.array(whole, dtype=np.bool_),
        )


def _seconds(at: Any) -> float:
    return cast(float, (at - START).total_seconds())


def _steps(lived: Lived, every_s: int, outage_s: tuple[float, float]) -> Iterator[tuple[int, list[Message]]]:
    """The messages of each step; those that came after the end are in the last one.

    Those of an outage come when it is over; how long one waited that does not expire, nobody knows.
    """
    begin_us, steps = microseconds(START), int(lived.end_s // every_s)
    held: list[list[Message]] = [[] for _ in range(steps)]
    down_s, up_s = outage_s
    for at, topic, payload, expires in lived.sent:
        taken = up_s if down_s <= at < up_s else at
        known = at if expires else taken
        message = Message(topic, payload, begin_us + int(known * 1_000_000), False, 1, 1)
        held[min(int(taken // every_s), steps - 1)].append(message)
    yield from ((every_s * (number + 1), messages) for number, messages in enumerate(held))
