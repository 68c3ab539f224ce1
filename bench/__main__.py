"""All benchmarks: `python -m bench [--quick] [--json]`, or `make bench`. One table; also results.json here.

It fails on its own errors only: a figure below its goal is no error.
"""

import argparse
import asyncio
import json
import os
import sys
from typing import Any

import msgspec

from bench import figures, ingest, read
from bench.figures import Figure, Goal
from bench.ground import ground


async def _read() -> list[read.Result]:
    """The read benchmark, on the database server that the others use."""
    async with ground(broker=False) as found:
        os.environ["PARKING_DATABASE_URL"] = found.databases.server.url
        return await read.bench()


def _figure(route: read.Result) -> Figure:
    return Figure(
        name=f"read {route.route}",
        what=f"answers of {route.bytes} bytes",
        unit="req/s",
        values=[route.per_second],
        limit_what="req/s bare ASGI callable",
        limits=[route.bare_per_second],
        ratios=[route.ratio],
        goal=Goal(must=route.must, aim=route.aim, ratio=True),
        details={"p50 ms": route.p50_ms, "p99 ms": route.p99_ms},
    )


def run(*, quick: bool) -> tuple[dict[str, Any], list[Figure]]:
    """Measure everything: what it was measured on, and the figures."""
    on, measured = ingest.run(ingest.cases(quick=quick), quick=quick)
    routes = asyncio.run(_read())
    if not quick:
        figures.save("read", {**figures.machine(), "routes": msgspec.to_builtins(routes)})
    return on, [*measured, *map(_figure, routes)]


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of a table")
    parser.add_argument("--quick", action="store_true", help="tiny loads: whether it works, not how fast")
    arguments = parser.parse_args()
    on, measured = run(quick=arguments.quick)
    if arguments.json:
        print(json.dumps({**on, "figures": [figure.as_json() for figure in measured]}))
    else:
        ingest.show(on, measured)
    sys.exit(1 if on["failed"] else 0)


if __name__ == "__main__":
    main()
