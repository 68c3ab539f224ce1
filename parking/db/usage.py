"""Keeps the roll-ups of use in step with the stays, in the same transaction."""

from collections.abc import Sequence
from dataclasses import dataclass

from parking.columns import Bools, Ints
from parking.db import binary
from parking.db.binary import text_value
from parking.db.connect import Connection, statement
from parking.usage import QUARTER_US, usage


@dataclass(frozen=True, slots=True)
class EndedStays:
    """Ended stays as columns; `slot` is the bay's in the table of bays."""

    slot: Ints
    start_us: Ints
    end_us: Ints
    start_seen: Bools
    end_seen: Bools


async def add_usage(
    connection: Connection,
    groups: Sequence[tuple[str, str]],
    group: Ints,
    stays: EndedStays,
    weight: Ints,
) -> None:
    """Add stays to the roll-ups, or take them off (`weight` -1).

    `groups` are pairs of site and category in their order, `group` has one of their indices for each stay.
    """
    sums = usage(
        group=group,
        start_us=stays.start_us,
        end_us=stays.end_us,
        start_seen=stays.start_seen,
        end_seen=stays.end_seen,
        weight=weight,
    )
    pairs = [groups[number] for number in sums.group.tolist()]
    parameters = {
        "site_id": binary.text_column([text_value(site) for site, _ in pairs]),
        "category": binary.text_column([text_value(category) for _, category in pairs]),
        "quarter_at": binary.time_column(sums.quarter * QUARTER_US),
        "occupied_us": binary.int8_column(sums.occupied_us),
        "arrivals": binary.int8_column(sums.arrivals),
        "departures": binary.int8_column(sums.departures),
    }
    await connection.execute(statement("write", "add_usage"), parameters)
