"""The clock of the ingestor's machine steps under load: no message is refused, and all times are right."""

import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from tests.acceptance.conftest import Town

pytestmark = [pytest.mark.mosquitto, pytest.mark.timescale]

HOUR_S, DAY_S = 3600, 86400


class WrongClock:
    """A clock that is off by what `set` says, for processes with `environment`. Monotonic clocks go on."""

    def __init__(self, folder: Path, *, off_s: int) -> None:
        found = sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
        if not found:
            pytest.skip("libfaketime is not here (Debian: apt-get install libfaketime)")
        self._library = found[0]
        self._file = folder / "off"
        self.set(off_s)

    def set(self, off_s: int) -> None:
        """Step the clock."""
        partial = self._file.with_suffix(".partial")
        partial.write_text(f"{off_s:+d}\n")
        partial.rename(self._file)

    @property
    def environment(self) -> dict[str, str]:
        """What makes a process see this clock."""
        return {
            "LD_PRELOAD": str(self._library),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "DONT_FAKE_MONOTONIC": "1",  # its name in older versions
        }


async def test_an_ingestor_whose_clock_steps_by_hours_and_days_tells_right_times(
    loaded: Town, database_url: str, tmp_path: Path
) -> None:
    clock = WrongClock(tmp_path, off_s=DAY_S)
    async with loaded(database_url=database_url) as rig:
        ingestor = await rig.connected_ingest(**clock.environment)
        for off_s in (0, HOUR_S, -HOUR_S, DAY_S, -DAY_S):
            clock.set(off_s)
            await rig.stored(1000)
        await rig.nothing_lost_nothing_twice(ingestor)
    # It did see that clock: its log begins tomorrow and ends yesterday.
    first, *_, last = _dates(ingestor.output)
    today = datetime.now(UTC).date()
    assert (first - today).days >= 0
    assert (first - last) >= timedelta(days=1)


def _dates(log: str) -> list[date]:
    return [date.fromisoformat(found) for found in re.findall(r"(?m)^(\d{4}-\d\d-\d\d)T", log)]
