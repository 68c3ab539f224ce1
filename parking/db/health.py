"""What `parking doctor` asks the database."""

from dataclasses import dataclass
from datetime import datetime

from parking.db.connect import Connection, statement


@dataclass(frozen=True, slots=True)
class Health:
    """Counts and ages (seconds). An age is None where there is nothing to be old."""

    database_time: datetime
    sites: int
    devices: int
    gates: int
    signs: int
    device_heard_s: float | None
    rejected_hour: tuple[tuple[str, int], ...]
    signs_decided_s: float | None = None
    forecast_s: float | None = None


async def load_health(connection: Connection) -> Health:
    """Read it; the schema must be there."""
    row = await (await connection.execute(statement("health", "health"))).fetchone()
    assert row is not None, "the query returns one row"
    time, sites, devices, gates, signs, heard_s, decided_s, forecast_s = row
    rejected = await (await connection.execute(statement("health", "rejected_hour"))).fetchall()
    return Health(time, sites, devices, gates, signs, heard_s, tuple(rejected), decided_s, forecast_s)
