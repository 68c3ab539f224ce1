"""Gives a simulated city a past, so that there are reports and a forecast from the first minute on."""

from datetime import datetime, timedelta

from parking.db.connect import Connection
from parking.db.past import store_past_counts, store_past_passages, store_past_stays
from parking.db.usage import EndedStays
from sensors_sim.city import City
from sensors_sim.past import Past, past


async def give_past(connection: Connection, city: City, *, until: datetime, days: int) -> Past:
    """Make up so many days before a time (with the town's zone) and store them; the city is registered."""
    made = past(city, until=until, days=days)
    stays = made.stays
    await store_past_stays(
        connection,
        city.bay_ids,
        EndedStays(stays.bay, stays.start_us, stays.end_us, stays.start_seen, stays.end_seen),
        since=until - timedelta(days=days),
        until=until,
    )
    gates = [[(site.id, gate.camera, gate.direction) for gate in site.gates] for site in city.sites]
    passed = made.passages
    columns = zip(passed.site.tolist(), passed.gate.tolist(), passed.at_us.tolist(), strict=True)
    await store_past_passages(connection, [(*gates[site][gate], at) for site, gate, at in columns])
    for number, counts in made.counts.items():
        await store_past_counts(connection, city.sites[number].id, made.quarters_us, counts)
    return made
