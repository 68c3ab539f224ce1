"""Which signs still ask: noted in memory, written to the database every few seconds."""

import asyncio
from collections.abc import Callable
from time import perf_counter

import structlog

from parking.db.pool import Pool
from parking.db.sign_polls import note_polls, silent_signs

WRITE_S = 10.0

_log = structlog.get_logger()


class PollBook:
    """The last poll of each sign since the book was last written. Bounded by the registry's signs.

    `silent` is how many signs had stopped asking when it was; None where that could not be learned.
    """

    def __init__(self, writes: Pool, clock: Callable[[], float] = perf_counter) -> None:
        self._writes = writes
        self._clock = clock
        self._noted: dict[str, tuple[float, bytes]] = {}
        self._failing = False
        self.silent: int | None = None

    def note(self, sign: str, text: bytes, at: float) -> None:
        """A sign of the registry asked at this time (of `perf_counter`) and was told this."""
        self._noted[sign] = at, text

    async def run(self) -> None:
        """Write for as long as the task lives; what a database that is away did not take is kept."""
        while True:
            await asyncio.sleep(WRITE_S)
            await self.write()

    async def write(self) -> None:
        """Write what was noted since the last time."""
        noted, self._noted = self._noted, {}
        now = self._clock()
        rows = [(sign, now - at, text.decode()) for sign, (at, text) in sorted(noted.items())]
        try:
            async with self._writes.transaction() as connection:
                await note_polls(connection, rows)
                silent = await silent_signs(connection)
            self.silent = len(silent)
            self._failing = False
        except Exception as error:
            # No note is worth that the API ends, whoever is at fault.
            self._noted = noted | self._noted
            self.silent = None
            if not self._failing:
                _log.warning("The polls of signs cannot be written", reason=str(error).strip())
            self._failing = True
