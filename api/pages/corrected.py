"""When the count of a gate-counted site was last set right, for its page: read at most every minute."""

import time
from datetime import datetime
from typing import Final

from parking.db.counts import corrections
from parking.db.pool import Pool
from parking.errors import DatabaseUnavailable

KEPT_S: Final = 60.0


class LastCorrections:
    """The last correction of each site that was asked for; while the database is away, what was known."""

    def __init__(self, database: Pool) -> None:
        self._database = database
        self._read_at: dict[str, float] = {}
        self.known: dict[str, datetime] = {}

    async def refresh(self, site_id: str) -> None:
        """Read that of one site, unless that was tried just now."""
        now = time.monotonic()
        if now - self._read_at.get(site_id, float("-inf")) < KEPT_S:
            return
        self._read_at[site_id] = now
        try:
            async with self._database.transaction(within_s=2.0) as connection:
                found = await corrections(connection, site_id, limit=1)
        except DatabaseUnavailable:
            return
        if found:
            self.known[site_id] = found[0].at
