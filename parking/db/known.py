"""What the ingestor knows by heart: who watches what, and where every bay stands, as of one moment."""

from dataclasses import dataclass

from parking.db.connect import Connection, statement
from parking.db.registry import Directory, load_directory
from parking.db.sealed import load_windows
from parking.db.table import BayTable, load_table


@dataclass(frozen=True, slots=True)
class Known:
    """The registry's directory and the table of bays; together, so that they never contradict each other."""

    directory: Directory
    table: BayTable


async def load_known(connection: Connection) -> Known:
    """Read both in one snapshot of the database."""
    async with connection.transaction():
        await connection.execute(statement("schema", "one_snapshot"))
        same: dict[str, str] = {}
        table = await load_table(connection, same=same)
        table.windows = await load_windows(connection)
        return Known(await load_directory(connection, same=same), table)
