"""What an export takes in memory and time: `python -m bench.exports [--bays N] [--days N] [--json]`.

Stays are made in a fresh database; a `parking api` of its own streams each format to a reader that throws it
away, and its highest resident memory is read. For a twelfth of the days too: flat is what does not grow.
`--database URL` does so on one that `bench.a_year` has filled, and leaves it. A worksheet has room for a
million rows, so of a large city it holds some sites only.
"""

import argparse
import asyncio
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx

from bench.a_year import BEGIN, SITE_BAYS, STAYS_A_DAY, City, fill, filled, progress
from bench.ground import ground
from bench.meter import listening_pid, memory_mb
from bench.read import serving
from parking.access_keys import Scope
from parking.db.access_keys import create_key
from parking.db.connect import connect
from parking.exporting.formats import XLSX_ROWS, Format

_LOADED_S = 60.0
_WIDTHS = (6, 7, 12, 9, 9, 9, 9)
_SPARE = 1.05
"""So much more than on average a site may have."""


@dataclass(frozen=True, slots=True)
class Exported:
    """One export: what was asked for, its size, its time, and the memory of the API before it and at its
    highest (0 if out of sight). `rows` are counted by their lines, so only in CSV and JSON lines.
    """

    form: str
    days: int
    sites: int
    rows: int
    file_mb: float
    took_s: float
    idle_mb: float
    peak_mb: float


def _say_nothing(_: Exported) -> None:
    """Nobody looks on."""


async def measure(
    *, bays: int, days: int, forms: Sequence[Format], told: Callable[[Exported], None] = _say_nothing
) -> list[Exported]:
    """Make stays of so many bays and days, and export them; each export is told when it is done."""
    async with ground(broker=False) as found:
        url = found.databases.create()
        async with connect(url, name="bench", autocommit=True) as connection:
            await fill(connection, City(bays), days, progress(days))
        done = await measure_on(url, forms, told)
        found.databases.drop(url)
    return done


async def measure_on(
    url: str, forms: Sequence[Format], told: Callable[[Exported], None] = _say_nothing
) -> list[Exported]:
    """Export what a database holds that is filled, each from a new API, and leave it."""
    async with connect(url, name="bench", autocommit=True) as connection:
        bays, days, _ = await filled(connection)
        _, key = await create_key(
            connection, actor="bench", name=f"bench {time.time()}", scopes=frozenset({Scope.REPORTS_READ})
        )
    sites = City(bays).sites
    fit = max(1, int(XLSX_ROWS / (SITE_BAYS * STAYS_A_DAY * _SPARE * days)))
    done: list[Exported] = []
    for form in sorted(forms, key=list(Format).index):
        asked = sites[:fit] if form is Format.XLSX and fit < len(sites) else sites
        for span in (max(1, days // 12), days):
            done.append(await _export(url, key.text, form, span, asked, whole=len(sites)))
            told(done[-1])
    return done


async def _export(
    database: str, key: str, form: Format, days: int, sites: Sequence[str], *, whole: int
) -> Exported:
    question = {
        "from": f"{BEGIN:%Y-%m-%d}",
        "until": f"{BEGIN + timedelta(days=days):%Y-%m-%d}",
        "format": form.value,
        "site": list(sites) if len(sites) < whole else [],
    }
    headers = {"Authorization": f"Bearer {key}", "Accept-Encoding": "identity"}
    env = {"PARKING_DATABASE_URL": database, "PARKING_API_PORT": "0"}
    size = lines = 0
    with TemporaryDirectory(prefix="parking-bench-") as folder:
        async with serving(Path(folder), "cli.main", "api", env=env) as url:
            pid = listening_pid(int(url.rpartition(":")[2])) or 0
            async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=None) as client:
                deadline = time.monotonic() + _LOADED_S
                while (told := await client.get("/v1/sites")).status_code != 200:
                    if time.monotonic() > deadline:
                        raise SystemExit(f"the API did not load the city in time: {told.text}")
                    await asyncio.sleep(0.05)
                idle, _ = memory_mb(pid) or (0.0, 0.0)
                begun = time.monotonic()
                async with client.stream(
                    "GET", "/v1/exports/stays", params=question, headers=headers
                ) as answer:
                    if answer.status_code != 200:
                        raise SystemExit(f"{answer.status_code}: {(await answer.aread()).decode()}")
                    async for piece in answer.aiter_raw():
                        size += len(piece)
                        lines += piece.count(b"\n")
                took = time.monotonic() - begun
            _, peak = memory_mb(pid) or (0.0, 0.0)
    rows = lines - (form is Format.CSV) if form in (Format.CSV, Format.JSONL) else 0
    return Exported(
        form=form.value,
        days=days,
        sites=len(sites),
        rows=rows,
        file_mb=size / 1e6,
        took_s=took,
        idle_mb=idle,
        peak_mb=peak,
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.exports", description=__doc__)
    parser.add_argument("--bays", type=int, default=200)
    parser.add_argument("--days", type=int, default=48)
    parser.add_argument("--database", metavar="URL", help="one that `python -m bench.a_year` has filled")
    parser.add_argument("--format", action="append", type=Format, choices=list(Format), default=None)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    forms = asked.format or list(Format)
    told = _say_nothing if asked.json else _print
    if not asked.json:
        heads = ("days", "sites", "rows", "MB", "s", "idle MB", "peak MB")
        print(f"{'format':<8}{_cells(heads)}", flush=True)
    if asked.database:
        found = asyncio.run(measure_on(asked.database, forms, told))
    else:
        found = asyncio.run(measure(bays=asked.bays, days=asked.days, forms=forms, told=told))
    if asked.json:
        print(json.dumps([asdict(one) for one in found]))


def _print(one: Exported) -> None:
    rows = f"{one.rows:,}" if one.rows else ""
    sizes = (f"{one.file_mb:.1f}", f"{one.took_s:.1f}", f"{one.idle_mb:.0f}", f"{one.peak_mb:.0f}")
    print(f"{one.form:<8}{_cells((one.days, one.sites, rows, *sizes))}", flush=True)


def _cells(values: Sequence[object]) -> str:
    return "".join(f"{value:>{width}}" for value, width in zip(values, _WIDTHS, strict=True))


if __name__ == "__main__":
    main()
