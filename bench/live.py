"""The API with a large city, and many readers of its stream: `python -m bench.live`.

How long the real `parking api` takes from its start to the first numbers of 100,000 bays, the most memory
that it has, how long a hot read is held up while a bay of the registry is changed, and how long after its
commit a change has reached 2,000 readers of `GET /v1/stream`, all served by one process. The readers are
sockets of this one, beside it.
"""

import argparse
import asyncio
import json
import os
import resource
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from statistics import median, quantiles
from typing import LiteralString
from urllib.parse import urlsplit

import httpx

from bench import ingest
from bench.figures import Figure, Goal, machine
from bench.meter import cpu_s, listening_pid, memory_mb
from bench.read import NO_LIMIT, fill, keep_confirming, own_database, serving
from parking.db.connect import Connection, connect
from parking.registry import Registry, parse_registry

BAYS_PER_SITE = 50
CHANGES_A_SECOND = 5
EDITS = 10
SITES_CHANGED = 20
FIRST_REVISION = 1000
_PATIENCE_S = 60.0
_CHANGE: LiteralString = """
WITH changed AS (
    UPDATE site_state SET revision = %(revision)s, as_of = now() WHERE site_id = %(site)s RETURNING site_id
)
SELECT pg_notify('parking_sites', site_id) FROM changed
"""
_EDIT: LiteralString = """
WITH changed AS (UPDATE bay SET category = %(category)s WHERE bay_id = 'site-00001-00' RETURNING bay_id)
SELECT pg_notify('parking_registry', '') FROM changed
"""


def town(bays: int) -> Registry:
    """Streets of fifty bays with sensors, and a sign for each."""
    sites = [
        {
            "id": f"site-{s:05}",
            "name": f"Street {s}",
            "kind": "on_street",
            "counting": "bays",
            "location": {"lon": -3.4 + s % 50 / 100, "lat": 51.3 + s // 50 / 200},
            "bays": [
                {
                    "id": f"site-{s:05}-{b:02}",
                    "location": {"lon": -3.4 + s % 50 / 100, "lat": 51.3 + s // 50 / 200 + b / 20_000},
                    "sensor": {"id": f"sensor-{s:05}-{b:02}", "codec": "parking-v1"},
                }
                for b in range(BAYS_PER_SITE)
            ],
            "signs": [{"id": f"sign-{s:05}", "sites": [f"site-{s:05}"]}],
        }
        for s in range(bays // BAYS_PER_SITE)
    ]
    return parse_registry({"sites": sites}, source="benchmark")


async def start(folder: Path, env: dict[str, str], *, bays: int, rounds: int) -> list[Figure]:
    """How long the API takes to its first numbers, and its memory then."""
    seconds, used, peaks = [], [], []
    for _ in range(rounds):
        began = time.monotonic()
        async with serving(_own(folder), "cli.main", "api", env=env) as url:
            await _loaded(url)
            seconds.append(time.monotonic() - began)
            used.append(cpu_s(_pid(url)))
            async with httpx.AsyncClient(base_url=url, trust_env=False) as client:
                (await client.get("/v1/nearby?lat=51.4&lon=-3.2")).raise_for_status()
            if (memory := memory_mb(_pid(url))) is not None:
                peaks.append(memory[1])
    return [
        Figure(
            name="start",
            what=f"from the start of `parking api` to the first answer with {bays} bays",
            unit="s",
            values=seconds,
            goal=Goal(must=3, aim=2, lower_is_better=True),
            details={"s of processor time": median(used)},
        ),
        Figure(
            name="api memory",
            what=f"most memory of the API with {bays} bays, loaded and asked for what is near",
            unit="MB",
            values=peaks,
            goal=Goal(must=250, aim=200, lower_is_better=True),
        ),
    ]


async def edits(folder: Path, env: dict[str, str], *, database: str, bays: int) -> list[Figure]:
    """How long a hot read is held up while the registry changes bay by bay, and until a change is shown."""
    took: list[float] = []
    shown = []
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(serving(_own(folder), "cli.main", "api", env=env))
        await _loaded(url)
        client = await stack.enter_async_context(httpx.AsyncClient(base_url=url, trust_env=False))
        connection = await stack.enter_async_context(connect(database, name="bench", autocommit=True))
        asking = asyncio.create_task(_ask(url, took), name="reads")
        stack.callback(asking.cancel)
        for number in range(EDITS):
            began, category = time.monotonic(), f"kind-{chr(97 + number)}"
            await connection.execute(_EDIT, {"category": category})
            while (await client.get("/v1/sites/site-00001/bays")).json()["bays"][0]["category"] != category:
                if time.monotonic() > began + _PATIENCE_S:
                    raise SystemExit("the API did not show the change in time")
                await asyncio.sleep(0.05)
            shown.append(time.monotonic() - began)
    return [
        Figure(
            name="held up",
            what=f"longest hot read while {EDITS} bays of {bays} were changed in the registry",
            unit="ms",
            values=[max(took) * 1000],
            goal=Goal(must=500, aim=100, lower_is_better=True),
            details={"ms, p99 of hot reads": _p99(took) * 1000},
        ),
        Figure(
            name="shown",
            what=f"from a change of one bay of {bays} in the registry until it is shown",
            unit="ms",
            values=[seconds * 1000 for seconds in shown],
            goal=Goal(must=3000, aim=1000, lower_is_better=True),
        ),
    ]


async def _ask(url: str, took: list[float]) -> None:
    """Read one site again and again on one connection."""
    async with httpx.AsyncClient(base_url=url, trust_env=False) as client:
        while True:
            began = time.monotonic()
            (await client.get("/v1/sites/site-00000")).raise_for_status()
            took.append(time.monotonic() - began)
            await asyncio.sleep(0.002)


async def streams(folder: Path, env: dict[str, str], *, database: str, readers: int, seconds: int) -> Figure:
    """How long after its commit a change has reached every reader."""
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(serving(_own(folder), "cli.main", "api", env=env))
        await _loaded(url)
        arrived: dict[int, list[float]] = {}
        lines = [await stack.enter_async_context(_reader(url)) for _ in range(readers)]
        tasks = await stack.enter_async_context(asyncio.TaskGroup())
        following = [tasks.create_task(_follow(line, arrived)) for line in lines]
        connection = await stack.enter_async_context(connect(database, name="bench", autocommit=True))
        committed = await _change(connection, changes=seconds * CHANGES_A_SECOND)
        deadline = time.monotonic() + _PATIENCE_S
        while any(len(arrived.get(revision, ())) < readers for revision in committed):
            if time.monotonic() > deadline:
                break
            await asyncio.sleep(0.05)
        memory = memory_mb(_pid(url))
        for task in following:
            task.cancel()
    delays = [at - began for revision, began in committed.items() for at in arrived.get(revision, ())]
    missed = len(committed) * readers - len(delays)
    last = [max(arrived[revision]) - began for revision, began in committed.items() if revision in arrived]
    return Figure(
        name="stream",
        what=f"p99 from the commit of a change to {readers} readers, {CHANGES_A_SECOND} changes a second",
        unit="ms",
        values=[_p99(delays) * 1000],
        goal=Goal(must=1000, aim=300, lower_is_better=True),
        details={
            "ms until the last reader has it, p99": _p99(last) * 1000,
            "events missed": missed,
            "MB API": memory[1] if memory else 0.0,
        },
    )


async def _change(connection: Connection, *, changes: int) -> dict[int, float]:
    """Change one site again and again in a steady rhythm; when each revision was committed."""
    committed = {}
    began = time.monotonic()
    for number in range(changes):
        revision = FIRST_REVISION + number
        await asyncio.sleep(max(0.0, began + number / CHANGES_A_SECOND - time.monotonic()))
        await connection.execute(_CHANGE, {"site": f"site-{number % SITES_CHANGED:05}", "revision": revision})
        committed[revision] = time.monotonic()
    return committed


@asynccontextmanager
async def _reader(url: str) -> AsyncIterator[asyncio.StreamReader]:
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    writer.write(f"GET /v1/stream HTTP/1.1\r\nHost: {parts.netloc}\r\n\r\n".encode())
    try:
        await reader.readuntil(b"event: start")
        yield reader
    finally:
        writer.close()


async def _follow(reader: asyncio.StreamReader, arrived: dict[int, list[float]]) -> None:
    while True:
        line = await reader.readline()
        if line.startswith(b"data: ") and (place := line.find(b'"revision":')) > 0:
            revision = int(line[place + 11 : line.index(b",", place)])
            arrived.setdefault(revision, []).append(time.monotonic())


async def _loaded(url: str) -> None:
    deadline = time.monotonic() + _PATIENCE_S
    async with httpx.AsyncClient(base_url=url, trust_env=False) as client:
        while (await client.get("/v1/sites/site-00000")).status_code != 200:
            if time.monotonic() > deadline:
                raise SystemExit("the API did not load the city in time")
            await asyncio.sleep(0.01)


def _own(folder: Path) -> Path:
    """A folder for one process's log: its address is read there, so no other's may stand in it."""
    return Path(tempfile.mkdtemp(dir=folder))


def _pid(url: str) -> int:
    pid = listening_pid(urlsplit(url).port or 0)
    if pid is None:
        raise SystemExit("who listens on a port can only be seen on Linux")
    return pid


def _p99(values: Sequence[float]) -> float:
    return quantiles(values, n=100)[98] if len(values) > 1 else float("nan")


async def bench(*, bays: int, readers: int, seconds: int, rounds: int) -> list[Figure]:
    """The whole run, on a database of its own."""
    files = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (files[1], files[1]))
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="parking-bench-")))
        url = await stack.enter_async_context(own_database())
        await fill(url, town(bays))
        confirming = asyncio.create_task(keep_confirming(url), name="confirming")
        stack.callback(confirming.cancel)
        env = {**os.environ, "PARKING_DATABASE_URL": url, "PARKING_API_PORT": "0", **NO_LIMIT}
        found = await start(folder, env, bays=bays, rounds=rounds)
        found += await edits(folder, env, database=url, bays=bays)
        return [*found, await streams(folder, env, database=url, readers=readers, seconds=seconds)]


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.live", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--bays", type=int, default=100_000)
    parser.add_argument("--readers", type=int, default=2_000)
    parser.add_argument("--seconds", type=int, default=20, help="how long changes come")
    parser.add_argument("--rounds", type=int, default=3, help="starts of the API")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of a table")
    asked = parser.parse_args()
    figures = asyncio.run(
        bench(bays=asked.bays, readers=asked.readers, seconds=asked.seconds, rounds=asked.rounds)
    )
    if asked.json:
        print(json.dumps({**machine(), "figures": [figure.as_json() for figure in figures]}))
    else:
        ingest.show(machine(), figures)


if __name__ == "__main__":
    main()
