"""How fast the API answers reads, beside a bare ASGI callable with constant bytes: `python -m bench.read`.

It fills a database of its own (on PARKING_DATABASE_URL, or an embedded PostgreSQL) with a city, starts the
real `parking api`, keeps confirming the numbers as an ingestor does, and loads both servers in turn.
"""

import argparse
import asyncio
import os
import re
import secrets
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import msgspec
import psycopg
from psycopg import sql

from bench.load import Load, client_name, run
from cli.embedded import EmbeddedPostgres, GuardedProcess
from parking.db.connect import connect
from parking.db.migrate import migrate
from parking.db.registry import import_registry
from parking.registry import Registry, parse_registry

SITES = 500
BAYS = 20
ROUNDS = 3
ROUND_S = 1.0
CONNECTIONS = 32
NO_LIMIT = {"PARKING_RATE_PER_S": "1000000", "PARKING_RATE_BURST": "1000000"}
"""All comes from one address: the limiter counts as ever, and lets it pass."""


class Case(msgspec.Struct, frozen=True):
    """A route, what is asked of it and in which coding, and the share of the bare rate to be reached."""

    route: str
    path: str
    coding: str
    must: float
    aim: float

    @property
    def bare(self) -> str:
        """The path at which the bare callable has the same bytes."""
        return f"/{self.coding}{self.path}" if self.coding else self.path


CASES = (
    Case("/v1/sites/{id}", "/v1/sites/site-042", "", 0.6, 0.8),
    Case("/v1/signs/{id}", "/v1/signs/sign-042", "", 0.6, 0.8),
    Case("/v1/sites", "/v1/sites", "", 0.5, 0.5),
    Case("/v1/sites gzip", "/v1/sites", "gzip", 0.5, 0.5),
    Case("/v1/sites zstd", "/v1/sites", "zstd", 0.5, 0.5),
)


class Result(msgspec.Struct, frozen=True):
    """The medians of one route: requests a second here and bare, their ratio, latencies in milliseconds."""

    route: str
    bytes: int
    per_second: float
    bare_per_second: float
    ratio: float
    p50_ms: float
    p99_ms: float
    bare_p50_ms: float
    bare_p99_ms: float
    must: float
    aim: float


def city() -> Registry:
    """Streets with a sensor in each bay, and a sign for each street."""
    sites = [
        {
            "id": f"site-{s:03}",
            "name": f"Street {s}",
            "kind": "on_street",
            "counting": "bays",
            "timezone": "Europe/London",
            "location": {"lon": -3.2 + s / 10_000, "lat": 51.48},
            "bays": [
                {
                    "id": f"site-{s:03}-{b:03}",
                    "location": {"lon": -3.2 + s / 10_000, "lat": 51.48 + b / 10_000},
                    "sensor": {"id": f"sensor-{s:03}-{b:03}", "codec": "parking-v1"},
                }
                for b in range(BAYS)
            ],
            "signs": [{"id": f"sign-{s:03}", "sites": [f"site-{s:03}"]}],
        }
        for s in range(SITES)
    ]
    return parse_registry({"sites": sites}, source="benchmark")


@asynccontextmanager
async def own_database() -> AsyncIterator[str]:
    """A database that is made for this run and dropped after it."""
    async with AsyncExitStack() as stack:
        server = os.environ.get("PARKING_DATABASE_URL")
        if server is None:
            server = (await stack.enter_async_context(EmbeddedPostgres())).url
        name = f"parking_bench_{secrets.token_hex(4)}"
        with psycopg.connect(server, autocommit=True) as admin:
            admin.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
            try:
                yield urlsplit(server)._replace(path=f"/{name}").geturl()
            finally:
                admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


async def fill(url: str, registry: Registry) -> None:
    """Migrate, import a city and give every bay a state: one in three is free."""
    await migrate(url)
    async with connect(url, name="bench", autocommit=True) as connection:
        await import_registry(connection, registry)
        await connection.execute(
            "UPDATE bay_state SET silent = false, since = now(), revision = 2,"
            " state = CASE WHEN hashtext(bay_id) % 3 = 0 THEN 'vacant' ELSE 'occupied' END"
        )
        await connection.execute(
            "UPDATE site_state t SET revision = 2, vacant = c.free, occupied = c.bays - c.free, unknown = 0,"
            " free_min = c.free, free_max = c.free FROM (SELECT site_id, count(*) AS bays,"
            " count(*) FILTER (WHERE state = 'vacant') AS free FROM bay_state GROUP BY site_id) AS c"
            " WHERE c.site_id = t.site_id"
        )


async def keep_confirming(url: str) -> None:
    """Vouch for the numbers every two seconds, as an ingestor does, so that answers are prepared anew."""
    async with connect(url, name="bench", autocommit=True) as connection:
        while True:
            await connection.execute(
                "INSERT INTO ingest_status VALUES ('bench', now(), now(), true) ON CONFLICT (ingestor)"
                " DO UPDATE SET alive_at = now()"
            )
            await connection.execute("SELECT pg_notify('parking_alive', '')")
            await asyncio.sleep(2)


@asynccontextmanager
async def serving(folder: Path, *arguments: str, env: dict[str, str] | None = None) -> AsyncIterator[str]:
    """A server in a process of its own, from when it has written its address until the end."""
    log = folder / f"{arguments[0]}.log"
    process = GuardedProcess([sys.executable, "-m", *arguments], log=log, env={**os.environ, **(env or {})})
    process.start()
    try:
        deadline = time.monotonic() + 20
        while not (found := re.search(r"http://127\.0\.0\.1:\d+", process.tail())):
            if process.returncode is not None or time.monotonic() > deadline:
                raise SystemExit(f"{' '.join(arguments)} did not start:\n{process.tail()}")
            await asyncio.sleep(0.05)
        yield found.group()
    finally:
        await process.stop()


async def read_bodies(api: str) -> dict[str, bytes]:
    """What the API answers in each case, as it travels, once it has loaded."""
    deadline = time.monotonic() + 20
    async with httpx.AsyncClient(base_url=api, trust_env=False) as client:
        while (await client.get("/v1/sites")).status_code != 200:
            if time.monotonic() > deadline:
                raise SystemExit("the API did not load the city in time")
            await asyncio.sleep(0.05)
        return {case.bare: await _raw(client, case) for case in CASES}


async def _raw(client: httpx.AsyncClient, case: Case) -> bytes:
    headers = {"Accept-Encoding": case.coding or "identity"}
    async with client.stream("GET", case.path, headers=headers) as answer:
        answer.raise_for_status()
        if answer.headers.get("content-encoding", "") != case.coding:
            raise SystemExit(f"{case.route} came as {answer.headers.get('content-encoding', 'identity')}")
        return b"".join([chunk async for chunk in answer.aiter_raw()])


async def measure(api: str, bare: str, case: Case, size: int) -> Result:
    """Load both in alternating rounds; the ratio is the median of the rounds' ratios."""

    async def ask(url: str) -> Load:
        return await run(url, seconds=ROUND_S, connections=CONNECTIONS, coding=case.coding)

    ours: list[Load] = []
    limits: list[Load] = []
    for url in (bare + case.bare, api + case.path):
        await ask(url)
    for _ in range(ROUNDS):
        limits.append(await ask(bare + case.bare))
        ours.append(await ask(api + case.path))
    median = statistics.median
    return Result(
        route=case.route,
        bytes=size,
        per_second=median(load.per_second for load in ours),
        bare_per_second=median(load.per_second for load in limits),
        ratio=median(our.per_second / limit.per_second for our, limit in zip(ours, limits, strict=True)),
        p50_ms=median(load.p50_ms for load in ours),
        p99_ms=median(load.p99_ms for load in ours),
        bare_p50_ms=median(load.p50_ms for load in limits),
        bare_p99_ms=median(load.p99_ms for load in limits),
        must=case.must,
        aim=case.aim,
    )


async def bench() -> list[Result]:
    """The whole run: start everything, measure each route, stop everything."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="parking-bench-")))
        url = await stack.enter_async_context(own_database())
        await fill(url, city())
        confirming = asyncio.create_task(keep_confirming(url), name="confirming")
        stack.callback(confirming.cancel)
        environment = {"PARKING_DATABASE_URL": url, "PARKING_API_PORT": "0", **NO_LIMIT}
        api = await stack.enter_async_context(serving(folder, "cli.main", "api", env=environment))
        bodies = await read_bodies(api)
        (folder / "bodies.json").write_bytes(msgspec.json.encode(bodies))
        bare = await stack.enter_async_context(serving(folder, "bench.bare", str(folder / "bodies.json")))
        return [await measure(api, bare, case, len(bodies[case.bare])) for case in CASES]


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of a table")
    as_json = parser.parse_args().json
    results = asyncio.run(bench())
    if as_json:
        document = {"client": client_name(), "sites": SITES, "connections": CONNECTIONS, "routes": results}
        print(msgspec.json.encode(document).decode())
        return
    print(f"{SITES} sites, {SITES * BAYS} bays; {client_name()}, {CONNECTIONS} connections, {ROUNDS} rounds")
    print(
        f"{'route':16} {'bytes':>8} {'req/s':>9} {'bare':>9} {'ratio':>6} {'must':>5} {'aim':>4}"
        "  p50, p99 (bare) in ms"
    )
    for one in results:
        print(
            f"{one.route:16} {one.bytes:8} {one.per_second:9.0f} {one.bare_per_second:9.0f} {one.ratio:6.2f}"
            f" {one.must:5.2f} {one.aim:4.2f}"
            f"  {one.p50_ms:.2f}, {one.p99_ms:.2f} ({one.bare_p50_ms:.2f}, {one.bare_p99_ms:.2f})"
        )


if __name__ == "__main__":
    main()
