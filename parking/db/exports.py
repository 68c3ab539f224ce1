"""Exports: rows of history, some thousands at a time, however many there are."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from parking.db.connect import Connection, chunks, statement
from parking.db.report_scope import Question, report_sites
from parking.errors import InputError
from parking.reporting.period import utc


class Kind(StrEnum):
    """What can be exported."""

    STAYS = "stays"
    USAGE = "usage"
    PASSAGES = "passages"


@dataclass(frozen=True, slots=True)
class Column:
    """A column of an export: its name, and of which type its values are (None may be among them)."""

    name: str
    type: type


COLUMNS: dict[Kind, tuple[Column, ...]] = {
    Kind.STAYS: (
        Column("bay", str),
        Column("site", str),
        Column("category", str),
        Column("started_at", datetime),
        Column("ended_at", datetime),
        Column("start_seen", bool),
        Column("end_seen", bool),
        Column("dwell_s", float),
    ),
    Kind.USAGE: (
        Column("site", str),
        Column("category", str),
        Column("quarter_at", datetime),
        Column("occupied_s", float),
        Column("unknown_s", float),
        Column("arrivals", int),
        Column("departures", int),
        Column("sessions", int),
        Column("dwell_sessions", int),
        Column("dwell_s", float),
    ),
    Kind.PASSAGES: (
        Column("site", str),
        Column("camera", str),
        Column("event_at", datetime),
        Column("direction", str),
        Column("confidence", float),
    ),
}


async def export_rows(
    connection: Connection, kind: Kind, question: Question
) -> AsyncGenerator[list[tuple[Any, ...]], None]:
    """The rows of an export, some thousands at a time, in one snapshot. Raises InputError and NotFound.

    The period is that of the local time of the sites, which must be of one time zone.
    """
    async with connection.transaction():
        sites = await report_sites(connection, sites=question.sites, zones=question.zones)
        zones = sorted({site.timezone for site in sites})
        if len(zones) > 1:
            raise InputError(
                f"the sites lie in the time zones {', '.join(zones)}; export those of one at a time"
            )
        at = ZoneInfo(zones[0] if zones else "UTC")
        parameters = {
            "sites": [site.site_id for site in sites],
            "categories": None if question.categories is None else list(question.categories),
            "bays": None if question.bays is None else list(question.bays),
            "from_at": utc(question.period.from_at, at),
            "until_at": utc(question.period.until_at, at),
        }
        async for rows in chunks(connection, statement("exports", kind.value), parameters):
            yield rows
