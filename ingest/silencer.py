"""Publishes what changes with the time alone, every two seconds.

Bays of devices that have fallen silent become unknown; states that were held back are shown once they have
lasted.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable

EVERY_S = 2.0
RECENT_S = 10.0


class Silencer:
    """Runs `turn` while we are not behind: what waits may hold what a device has said meanwhile."""

    def __init__(self, turn: Callable[[], Awaitable[None]], current: Callable[[], bool]) -> None:
        self._turn = turn
        self._current = current
        self._done = time.monotonic()

    @property
    def recent(self) -> bool:
        """Whether it has looked at every bay within the last seconds."""
        return time.monotonic() - self._done < RECENT_S

    async def run(self) -> None:
        """Look, for as long as the task lives."""
        while True:
            if self._current():
                await self._turn()
                self._done = time.monotonic()
            await asyncio.sleep(EVERY_S)
