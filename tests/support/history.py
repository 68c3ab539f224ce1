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


async def make_passages(connection: Connection, site: str, *, days: int) -> None:
    """Store what the cameras of a car park saw until an hour ago: more at noon than at night.

    Every vehicle stays 90 minutes; of four that leave three are paired with their entry.
    """
    await connection.execute(
        "INSERT INTO visit (site_id, entered_at, left_at, outcome, entry, exit)"
        " SELECT %(site)s, at, at + interval '90 minutes', 'complete', 'e' || at || n, 'x' || at || n"
        " FROM generate_series(date_trunc('hour', now()) - make_interval(days => %(days)s),"
        "      now() - interval '3 hours', interval '1 hour') AS at,"
        " generate_series(1, (16 - abs(13 - extract(hour FROM at)))::int) AS n WHERE mod(n, 4) > 0",
        {"site": site, "days": days},
    )
    await connection.execute(
        "INSERT INTO gate_event (camera_id, site_id, event_at, event_id, direction, received_at)"
        " SELECT %(site)s || way, %(site)s, at + later, at || '-' || n, substr(way, 2), at + later"
        " FROM generate_series(date_trunc('hour', now()) - make_interval(days => %(days)s),"
        "      now() - interval '3 hours', interval '1 hour') AS at,"
        " generate_series(1, (16 - abs(13 - extract(hour FROM at)))::int) AS n,"
        " (VALUES ('-in', interval '0'), ('-out', interval '90 minutes')) AS passage(way, later)",
        {"site": site, "days": days},
    )
