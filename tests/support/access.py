"""Keys of the API for tests: made in the database, sent as bearer tokens."""

from typing import Any

from parking.access_keys import Presented, Scope
from parking.db.access_keys import create_key
from parking.db.connect import connect


async def key_of(database_url: str, *scopes: Scope, name: str = "office", **wanted: Any) -> Presented:
    """A key with these scopes; `sites`, `expires_s` and `name` can be given."""
    async with connect(database_url, name="test", autocommit=True) as connection:
        _, presented = await create_key(
            connection, actor="test", name=name, scopes=frozenset(scopes), **wanted
        )
    return presented


def bearer(key: Presented | str) -> dict[str, str]:
    """The header that shows this key."""
    return {"Authorization": f"Bearer {key if isinstance(key, str) else key.text}"}
