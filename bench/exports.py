"""What an export takes in memory and time: `python -m bench.exports [--stays N] [--json]`.

Stays are made in a fresh database; `parking export stays` writes each format as a process of its own, whose
highest resident memory is read when it has ended. For a tenth of the stays too: flat is what does not grow.
"""

import argparse
import asyncio
import json
import os
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.a_year import BEGIN, City, fill
from bench.ground import ground
from parking.db.connect import connect
from parking.exporting.formats import XLSX_ROWS, Format

BAYS = 1000
DAYS = 400
"""At most: then stays are made for fewer bays."""


@dataclass(frozen=True, slots=True)
class Exported:
    """One export: its size, the time it took, and the process's peak memory."""

    form: str
    days: int
    rows: int
    file_mib: float
    took_s: float
    peak_rss_mib: float


async def measure(*, stays: int) -> list[Exported]:
    """Make about so many stays, and export a tenth and all of them in each format."""
    days = max(10, stays // (BAYS * 10))
    async with ground(broker=False) as found:
        url = found.databases.create()
        async with connect(url, name="bench", autocommit=True) as connection:
            await fill(connection, City(BAYS), days, lambda day, count: None)
        with TemporaryDirectory(prefix="parking-bench-") as folder:
            done = [
                await asyncio.to_thread(_export, url, form, span, Path(folder) / f"stays.{form}")
                for form in Format
                for span in (days // 10, days)
                if form is not Format.XLSX or span * BAYS * 11 < XLSX_ROWS
            ]
        found.databases.drop(url)
    return done


def _export(url: str, form: Format, days: int, file: Path) -> Exported:
    until = BEGIN.date().fromordinal(BEGIN.date().toordinal() + days)
    arguments = ["--from", BEGIN.date().isoformat(), "--until", until.isoformat(), "--format", form.value]
    command = [sys.executable, "-m", "cli.main", "export", "stays", *arguments, "-o", str(file)]
    begun = time.monotonic()
    process = subprocess.Popen(
        command, env={**os.environ, "PARKING_DATABASE_URL": url}, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None, "it is a pipe"
    told = process.stderr.read()
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    process.stderr.close()
    if process.returncode:
        raise SystemExit(f"{' '.join(command)}: {told}")
    return Exported(
        form=form.value,
        days=days,
        rows=int(told.split()[0]),
        file_mib=file.stat().st_size / 2**20,
        took_s=time.monotonic() - begun,
        peak_rss_mib=used.ru_maxrss / 1024,
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.exports", description=__doc__)
    parser.add_argument("--stays", type=int, default=100_000)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    found = asyncio.run(measure(stays=asked.stays))
    if asked.json:
        print(json.dumps([asdict(one) for one in found]))
        return
    print(f"{'format':<8} {'rows':>10} {'file':>10} {'time':>8} {'peak RSS':>10}")
    for one in found:
        size, peak = f"{one.file_mib:.1f} MiB", f"{one.peak_rss_mib:.0f} MiB"
        print(f"{one.form:<8} {one.rows:>10,} {size:>10} {one.took_s:>6.1f} s {peak:>10}")


if __name__ == "__main__":
    main()
