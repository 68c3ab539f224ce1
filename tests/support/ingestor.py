"""Writes into the database what an ingestor would: revisions, notifications, confirmations."""

from types import TracebackType
from typing import Any, Self

import psycopg


class HandIngestor:
    """A connection that publishes states of bays and counts, as one ingestor named `hand`."""

    def __init__(self, database_url: str) -> None:
        self._connection = psycopg.connect(database_url, autocommit=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()

    def run(self, query: Any, arguments: Any = None) -> list[tuple[Any, ...]]:
        """Run one statement; its rows, if it has any."""
        cursor = self._connection.execute(query, arguments)
        return cursor.fetchall() if cursor.description else []

    def publish(self, site: str, states: dict[str, str], *, notify: bool = True) -> int:
        """Give bays new states, recount the site and notify, in one transaction; the new revision."""
        with self._connection.transaction():
            for bay, state in states.items():
                self.run(
                    "UPDATE bay_state SET state = %s, since = now(), revision = 1 + (SELECT revision"
                    " FROM site_state WHERE site_id = %s) WHERE bay_id = %s",
                    (state, site, bay),
                )
            ((revision,),) = self.run(
                "UPDATE site_state SET revision = revision + 1, as_of = now(), vacant = c.vacant,"
                " occupied = c.occupied, unknown = c.unknown, free_min = c.vacant,"
                " free_max = c.vacant + c.unknown"
                " FROM (SELECT count(*) FILTER (WHERE state = 'vacant') AS vacant,"
                "  count(*) FILTER (WHERE state = 'occupied') AS occupied,"
                "  count(*) FILTER (WHERE state = 'unknown') AS unknown"
                "  FROM bay_state WHERE site_id = %(site)s) AS c"
                " WHERE site_id = %(site)s RETURNING revision",
                {"site": site},
            )
            if notify:
                self.notify("parking_sites", site)
        assert isinstance(revision, int)
        return revision

    def confirm(self, *, connected: bool = True) -> None:
        """Vouch for all numbers, now."""
        self.run(
            "INSERT INTO ingest_status VALUES ('hand', now(), now(), %s) ON CONFLICT (ingestor)"
            " DO UPDATE SET alive_at = excluded.alive_at, connected = excluded.connected",
            (connected,),
        )
        self.notify("parking_alive")

    def notify(self, channel: str, payload: str = "") -> None:
        """Send one notification."""
        self.run("SELECT pg_notify(%s, %s)", (channel, payload))

    def cut_api(self) -> int:
        """End the API's connections; how many there were."""
        return len(
            self.run(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND application_name = 'parking api'"
            )
        )
