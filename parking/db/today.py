"""What has happened today, for those who look at the day as it goes."""

from parking.db.connect import Connection, statement


async def arrivals_today(connection: Connection) -> dict[str, int]:
    """How many vehicles have come to each site since its own midnight, as far as they were seen."""
    rows = await (await connection.execute(statement("today", "arrivals"))).fetchall()
    return dict(rows)
