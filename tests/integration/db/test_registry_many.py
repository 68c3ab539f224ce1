"""Importing many bays at once takes work that grows with how many they are, not with their square."""

from parking.db.connect import Connection
from parking.db.registry import import_registry
from tests.integration.db.conftest import rows
from tests.support.city import small_registry

BAYS = 600
MOST_SCANS = 50
"""More than the statements of an import that read one table as a whole."""

SCANS = """
SELECT relname, seq_scan FROM pg_stat_xact_user_tables WHERE n_tup_ins >= %s ORDER BY seq_scan DESC LIMIT 1
"""
"""Of the tables that get a row for each bay."""


async def test_an_import_reads_no_table_as_a_whole_for_each_bay(database: Connection) -> None:
    """Into an empty database, of which the planner knows nothing, and then many bays beside it."""
    for sites in (1, 2):
        async with database.transaction():
            await import_registry(database, small_registry(bays=BAYS, sites=sites))
            ((table, scans),) = await rows(database, SCANS, BAYS)
        assert scans < MOST_SCANS, f"{table} was read {scans} times"
        # As the server does by itself within a minute.
        await database.execute("ANALYZE")
