"""Some weeks of use for streets of a test: the simulator's demand, stored as what has ended."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from parking.db.connect import Connection
from parking.db.past import store_past_stays
from parking.db.usage import EndedStays
from parking.registry import Site
from sensors_sim.city import build_city
from sensors_sim.past import past


async def make_history(connection: Connection, sites: Sequence[Site], *, days: int) -> None:
    """Store the history of these sites until now."""
    until = datetime.now(ZoneInfo("Europe/London")).replace(microsecond=0)
    bays = [bay.id for site in sites for bay in site.bays]
    stays = past(build_city(seed=1, bays=len(bays), sites=1), until=until, days=days).stays
    await store_past_stays(
        connection,
        bays,
        EndedStays(stays.bay, stays.start_us, stays.end_us, stays.start_seen, stays.end_seen),
        since=until - timedelta(days=days),
        until=until,
    )
