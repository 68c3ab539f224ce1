"""The database as administrative routes use it: `async with writes.transaction() as connection`."""

from parking.db.pool import Pool

MOST_CONNECTIONS = 4
"""Of one API process, besides the one that listens for changes. Who finds none free waits up to 3 s."""


def open_writes(database_url: str) -> Pool:
    """The pool of those routes, not opened yet. What it raises becomes a 503 problem with Retry-After."""
    return Pool(database_url, name="parking api writes", size=MOST_CONNECTIONS)
