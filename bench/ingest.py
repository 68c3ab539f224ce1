"""How fast messages become stored events: `python -m bench.ingest [--json] [--only NAME] [--quick]`.

Real processes throughout: a raw publisher, the broker, `parking ingest`, the database. Each figure stands
beside its limit, measured in the same run on the same machine. See bench/README.md.
"""

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from typing import Any

from bench import figures
from bench.backlog import backlog
from bench.figures import Figure
from bench.ground import Ground, ground
from bench.growth import cost_growth
from bench.latency import stream_latency
from bench.memory import resident_memory
from bench.peers import PeerFailed
from bench.stage import BenchFailed, tuning
from bench.throughput import Size, gateway_bundles, lorawan_uplinks, sealed_messages, single_frames

Case = Callable[[Ground], Awaitable[Figure | None]]
"""Measures one figure; None where this machine does not show it."""


def cases(*, quick: bool) -> dict[str, Case]:
    """Every case by name. `quick` only shows that it works: its figures say little."""
    bays, repeats = (1_000, 1) if quick else (20_000, 3)
    long = 1 if quick else 3
    return {
        "frames": partial(single_frames, size=Size(bays, 5 * long, repeats)),
        "frames-expiry": partial(single_frames, size=Size(bays, 2, 1), expiring=True),
        "sealed": partial(sealed_messages, size=Size(bays, 5 * long, repeats)),
        "bundles": partial(gateway_bundles, size=Size(bays, 10 * long, repeats)),
        "uplinks": partial(lorawan_uplinks, size=Size(bays // 2, 5 * long, repeats)),
        "backlog": partial(backlog, size=Size(bays, 5, 1 if quick else 2)),
        "latency": partial(stream_latency, rate=500, seconds=2 if quick else 20),
        "memory": partial(resident_memory, bays=bays * 5, frames=bays),
        "growth": partial(
            cost_growth, bays=bays // 2, history=bays * 50, rounds=1 if quick else 3, repeats=repeats
        ),
    }


async def measure(names: Iterable[str], *, quick: bool) -> tuple[dict[str, Any], list[Figure]]:
    """Run these cases one after the other: what they were measured on and which failed, and the figures."""
    chosen = cases(quick=quick)
    async with ground() as found:
        on: dict[str, Any] = {
            **figures.machine(),
            "database": found.database_kind,
            "broker": found.broker_kind,
            "settings": tuning(),
            "quick": quick,
            "failed": {},
        }
        _say(f"database: {found.database_kind}; broker: {found.broker_kind}; {on['cores']} cores")
        measured: list[Figure] = []
        for name in names:
            begun = time.monotonic()
            try:
                figure = await chosen[name](found)
            except (BenchFailed, PeerFailed) as error:
                on["failed"][name] = str(error)
                _say(f"{name} FAILED: {error}")
                continue
            _say(f"{name}: {time.monotonic() - begun:.0f} s{'' if figure else ', and nothing could be seen'}")
            measured += [figure] if figure else []
    return on, measured


def run(names: Iterable[str], *, quick: bool) -> tuple[dict[str, Any], list[Figure]]:
    """Measure, and write results.json unless the figures are quick ones, which say nothing."""
    on, measured = asyncio.run(measure(names, quick=quick))
    if not quick:
        figures.save("ingest", {**on, "figures": [figure.as_json() for figure in measured]})
    return on, measured


def show(on: dict[str, Any], measured: list[Figure]) -> None:
    """The table, then what else is known."""
    services = [on[name] for name in ("database", "broker") if name in on]
    print("; ".join([*services, f"{on['cores']} cores shared by all", f"Python {on['python']}"]))
    if on.get("settings"):
        print("settings: " + ", ".join(f"{name}={value}" for name, value in sorted(on["settings"].items())))
    print(figures.table(measured), end="\n\n")
    print(figures.details(measured))


def main() -> None:
    """Run and print."""
    description = (__doc__ or "").partition(":")[0]
    parser = argparse.ArgumentParser(prog="python -m bench.ingest", description=description)
    names = list(cases(quick=True))
    listed = f"of {', '.join(names)}"
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of a table")
    parser.add_argument("--only", action="append", choices=names, metavar="NAME", help=listed)
    parser.add_argument("--quick", action="store_true", help="tiny loads: whether it works, not how fast")
    arguments = parser.parse_args()
    on, measured = run(arguments.only or names, quick=arguments.quick)
    if arguments.json:
        print(json.dumps({**on, "figures": [figure.as_json() for figure in measured]}))
    else:
        show(on, measured)
    sys.exit(1 if on["failed"] else 0)


def _say(text: str) -> None:
    """Progress, for people only."""
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
