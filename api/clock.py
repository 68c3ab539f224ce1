"""The database's time, kept going by this machine's steady clock while the database cannot be asked."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta


def steady() -> float:
    """Seconds that never jump; on Linux they also count while the machine is suspended."""
    if hasattr(time, "CLOCK_BOOTTIME"):
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    return time.monotonic()


class DatabaseClock:
    """Tells the time as the database would, whatever this machine's wall clock says.

    The ages of numbers are thus right however far the two clocks are apart. Before the first `sync` it
    tells this machine's own time.
    """

    def __init__(self, elapsed: Callable[[], float] = steady) -> None:
        self.elapsed = elapsed
        self._anchor = datetime.now(UTC)
        self._anchored_at = elapsed()

    def now(self) -> datetime:
        """The database's time now, or slightly later, so that numbers are never younger than they seem."""
        return self._anchor + timedelta(seconds=self.elapsed() - self._anchored_at)

    def elapsed_at(self, moment: datetime) -> float:
        """What `elapsed` will tell, or told, at that moment of the database's time, until the next `sync`."""
        return self._anchored_at + (moment - self._anchor).total_seconds()

    def sync(self, database_time: datetime, *, asked_at: float) -> None:
        """The database told `database_time` in answer to a question asked at `asked_at` (by `elapsed`)."""
        self._anchor = database_time
        self._anchored_at = asked_at
