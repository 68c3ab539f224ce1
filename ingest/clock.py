"""What time it is: the database's time, carried on between looks at it by the monotonic clock.

A machine's clock may be wrong, and steps when somebody mends it; then sound messages would seem to come from
the past or the future. The monotonic clock never steps, and all ingestors of one city share one database.
"""

import time
from datetime import datetime

import structlog

from parking.columns import microseconds, moment
from parking.db.connect import Connection
from parking.db.ingestors import database_time

log = structlog.get_logger()

STEP_US = 1_000_000
"""A difference that is worth a line in the log (microseconds)."""


class Clock:
    """Until it has seen the database it goes by this machine's clock."""

    def __init__(self) -> None:
        self._ahead_us = time.time_ns() // 1000 - _monotonic_us()
        self._seen = False

    def now_us(self) -> int:
        """Microseconds since 1970."""
        return _monotonic_us() + self._ahead_us

    def now(self) -> datetime:
        """The same as a time in UTC."""
        return moment(self.now_us())

    async def look(self, connection: Connection) -> None:
        """Ask the database for the time."""
        asked_us = _monotonic_us()
        told = await database_time(connection)
        self.correct(microseconds(told), asked_us=asked_us, answered_us=_monotonic_us())

    def correct(self, told_us: int, *, asked_us: int, answered_us: int) -> None:
        """The database's clock said `told_us` at some time between these two readings of the monotonic one.

        Corrects no more than is certain, so that a slow answer does not move the time.
        """
        least, most = told_us - answered_us, told_us - asked_us
        ahead_us = min(max(self._ahead_us, least), most)
        step_us = ahead_us - self._ahead_us
        self._ahead_us = ahead_us
        if abs(step_us) >= STEP_US:
            what = "the database's clock was moved" if self._seen else "our clock is not the database's"
            log.warning(what, by_s=round(step_us / 1_000_000, 1), using="the database's")
        self._seen = True


def _monotonic_us() -> int:
    return time.monotonic_ns() // 1000
