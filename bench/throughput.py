"""How many messages and events a second are stored, beside what broker and database could do at most."""

import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from statistics import median

from bench.figures import Figure, Goal
from bench.ground import Ground
from bench.stage import Ingestor, Run, Stage, ingesting, limit, load, stage
from bench.traffic import Town, Traffic, bundles, frames, keys_text, sealed_frames, uplinks

FRAMES_GOAL = Goal(must=0.25, aim=0.40, ratio=True)
BUNDLES_GOAL = Goal(must=0.35, aim=0.50, ratio=True)
SEALED_GOAL = Goal(must=0.15, aim=0.25, ratio=True)
UPLINKS_GOAL = Goal(must=0.15, aim=0.25, ratio=True)

LOAD_S = 8.0
"""About how long one load may take, so that the whole benchmark ends within its ten minutes."""


@dataclass(frozen=True, slots=True)
class Size:
    """How much to send: bays, most changes of each bay in one load (fewer if that takes long), and loads."""

    bays: int
    rounds: int
    repeats: int

    def rounds_after(self, warm_up: Run) -> int:
        """As many as fit into LOAD_S at the speed of the warm-up."""
        return max(1, min(self.rounds, int(LOAD_S * warm_up.events_per_s / self.bays)))


async def single_frames(ground: Ground, size: Size, *, expiring: bool = False) -> Figure:
    """One frame each message; `expiring` is MQTT 5 with the expiry of SPEC [M-4]."""
    town = Town(size.bays)
    pairs = await _pairs(ground, town, partial(frames, expiring=expiring), size)
    protocol = "MQTT 5 with message expiry" if expiring else "MQTT 3.1.1"
    return _against_subscriber(
        "frames-expiry" if expiring else "frames",
        f"single frames by {protocol} of {size.bays} bays",
        pairs,
        None if expiring else FRAMES_GOAL,
    )


async def sealed_messages(ground: Ground, size: Size) -> Figure:
    """One sealed frame each message; every sensor has a key of its own."""
    town = Town(size.bays)
    path = ground.folder / "device-keys.json"
    path.touch(mode=0o600)
    path.write_text(keys_text(town))
    pairs = await _pairs(ground, town, sealed_frames, size, PARKING_DEVICE_KEY_FILE=str(path))
    return _against_subscriber("sealed", f"sealed frames of {size.bays} bays", pairs, SEALED_GOAL)


async def lorawan_uplinks(ground: Ground, size: Size) -> Figure:
    """JSON envelopes, half The Things Stack, half ChirpStack."""
    town = Town(size.bays, "lorawan")
    pairs = await _pairs(ground, town, partial(uplinks, now=time.time()), size)
    what = f"LoRaWAN JSON uplinks of {size.bays} bays"
    return _against_subscriber("uplinks", what, pairs, UPLINKS_GOAL)


async def gateway_bundles(ground: Ground, size: Size) -> Figure:
    """Bundles of 50 frames, beside a bare COPY of the rows that they became."""
    town = Town(size.bays)
    runs, limits = [], []
    async with stage(ground, town) as made, ingesting(made) as ingestor:
        rounds = size.rounds_after(await load(made, ingestor, bundles(town, 1)))
        for _ in range(size.repeats):
            stored = made.stored
            runs.append(await load(made, ingestor, bundles(town, rounds)))
            limits.append(await copy_rate(made, made.stored - stored))
        extra = await _batches(ingestor)
    rates = [run.events_per_s for run in runs]
    return Figure(
        name="bundles",
        what=f"gateway bundles of 50 frames of {size.bays} bays",
        unit="events/s",
        values=rates,
        limit_what="rows/s by binary COPY",
        limits=limits,
        ratios=[rate / most for rate, most in zip(rates, limits, strict=True)],
        goal=BUNDLES_GOAL,
        details=costs(runs) | extra,
    )


async def copy_rate(made: Stage, rows: int) -> float:
    """Rows a second of a bare binary COPY of the latest events into a table with the same key."""
    connection = made.connection
    await connection.execute("DROP TABLE IF EXISTS bare_event")
    await connection.execute("CREATE TABLE bare_event (LIKE bay_event INCLUDING INDEXES)")
    cursor = await connection.execute("SELECT count(*) FROM pg_extension WHERE extname = 'timescaledb'")
    if await cursor.fetchone() == (1,):
        await connection.execute(
            "SELECT create_hypertable('bare_event', 'event_at', chunk_time_interval => INTERVAL '7 days',"
            " create_default_indexes => false)"
        )
    blocks = [block async for block in _latest_rows(made, rows)]
    begun = time.monotonic()
    async with (
        connection.cursor() as cursor,
        cursor.copy("COPY bare_event FROM STDIN (FORMAT BINARY)") as copy,
    ):
        for block in blocks:
            await copy.write(block)
    seconds = time.monotonic() - begun
    return rows / seconds


async def _latest_rows(made: Stage, rows: int) -> AsyncIterator[bytes]:
    """The latest events as the bytes of a binary COPY, in blocks of some 64 kB."""
    query = "COPY (SELECT * FROM bay_event ORDER BY received_at DESC LIMIT {}) TO STDOUT (FORMAT BINARY)"
    block = bytearray()
    async with made.connection.cursor() as cursor, cursor.copy(query.format(int(rows))) as copy:
        async for data in copy:
            block += data
            if len(block) > 1 << 16:
                yield bytes(block)
                block.clear()
    yield bytes(block)


async def _pairs(
    ground: Ground, town: Town, make: Callable[[Town, int], Traffic], size: Size, **settings: str
) -> tuple[list[Run], list[Run], dict[str, float]]:
    """Loads and limits in turn, after a warm-up in which every bay is heard for the first time."""
    runs, limits = [], []
    async with stage(ground, town) as made, ingesting(made, **settings) as ingestor:
        rounds = size.rounds_after(await load(made, ingestor, make(town, 1)))
        for _ in range(size.repeats):
            traffic = make(town, rounds)
            limits.append(await limit(made, traffic))
            runs.append(await load(made, ingestor, traffic))
        extra = await _batches(ingestor)
    return runs, limits, extra


def _against_subscriber(
    name: str, what: str, pairs: tuple[list[Run], list[Run], dict[str, float]], goal: Goal | None
) -> Figure:
    runs, limits, extra = pairs
    return Figure(
        name=name,
        what=what,
        unit="msg/s",
        values=[run.messages_per_s for run in runs],
        limit_what="msg/s raw subscriber",
        limits=[run.messages_per_s for run in limits],
        ratios=[run.messages_per_s / most.messages_per_s for run, most in zip(runs, limits, strict=True)],
        goal=goal,
        details=costs(runs) | costs(limits, prefix="limit: ") | extra,
    )


def costs(runs: Sequence[Run], prefix: str = "") -> dict[str, float]:
    """Processor milliseconds of each part for 1000 events."""
    costs = {
        f"{prefix}{part} ms/1000 events": median(1e6 * run.cpu[part] / run.events for run in runs)
        for part in runs[0].cpu
    }
    return costs if prefix else {"events": float(runs[0].events)} | costs


async def _batches(ingestor: Ingestor) -> dict[str, float]:
    """Means of the whole life of an ingestor."""
    metrics = await ingestor.metrics()
    batches = metrics["parking_ingest_batch_messages_count"]
    return {
        "messages/batch": metrics["parking_ingest_batch_messages_sum"] / batches,
        "ms/transaction": 1000 * metrics["parking_ingest_commit_seconds_sum"] / batches,
    }
