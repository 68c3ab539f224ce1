"""The maintenance list as the API tells it; read at most every few seconds, however many ask."""

import asyncio
import time
from datetime import date, datetime
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from api.bodies import Point, Time
from parking.db.connect import connect
from parking.db.failures import explain
from parking.db.maintenance import load_maintenance
from parking.db.watchdog import answering_within
from parking.health.maintenance import Fault, Maintenance, SilentSign, Visit
from parking.notes import Note, Wrong

KEPT_S = 5.0
_ANSWER_S = 10.0


class FaultBody(msgspec.Struct, frozen=True, kw_only=True):
    """What is wrong with one device, by one rule."""

    bay: str
    device: str
    rule: Annotated[str, Meta(description="silent, fault, low_battery, flapping, stuck_occupied, ...")]
    severity: Annotated[str, Meta(description="high, medium or low")]
    since: Annotated[datetime, Meta(tz=True, description="when it began, or was first seen")]
    lost_bay_hours_a_week: Annotated[float, Meta(description="told wrongly or not at all because of it")]
    reason: str
    evidence: dict[str, float | str]
    battery_empty_on: Annotated[date | None, Meta(description="forecast; null where nothing can be said")]
    battery_forecast: Annotated[str | None, Meta(description="by what it is forecast, or why it is not")]


class VisitBody(msgspec.Struct, frozen=True, kw_only=True):
    """The faults of one site, and what a visit mends."""

    site: str
    name: str
    location: Point | None
    bays: Annotated[int, Meta(description="bays with a fault")]
    lost_bay_hours_a_week: Annotated[float, Meta(description="what a visit mends")]
    faults: list[FaultBody]


class DeskFault(FaultBody, frozen=True, kw_only=True):
    """A fault that no visit mends: it is corrected at a desk, or passes."""

    site: str


class SilentSignBody(msgspec.Struct, frozen=True, kw_only=True):
    """A sign that has asked over HTTP and does so no longer."""

    sign: str
    name: str
    site: Annotated[str | None, Meta(description="under which the registry lists it")]
    location: Point | None
    since: Annotated[Time, Meta(description="when it last asked")]
    reason: str


class NoteBody(msgspec.Struct, frozen=True, kw_only=True):
    """A driver's note that something is told wrongly, with which nobody has dealt yet."""

    id: int
    site: str
    name: Annotated[str, Meta(description="of the site")]
    bay: Annotated[str | None, Meta(description="null: of the site as a whole")]
    wrong: Annotated[Wrong, Meta(description="by the driver's choice")]
    text: Annotated[str, Meta(description="the driver's words, without what looks like personal data")]
    made_at: Time


class MaintenanceBody(msgspec.Struct, frozen=True, kw_only=True):
    """Visits, the most useful first. `as_of` is when all devices were last looked at, null for never."""

    as_of: Time | None
    visits: list[VisitBody]
    at_desk: list[DeskFault]
    signs: Annotated[list[SilentSignBody], Meta(description="signs that no longer ask over HTTP")]
    notes: Annotated[list[NoteBody], Meta(description="of drivers, the newest first")]


class MaintenanceReader:
    """Reads the list from the database; one reader at a time, whose answer serves the others too."""

    def __init__(self, database_url: str) -> None:
        self._database_url = database_url
        self._reading = asyncio.Lock()
        self._read: tuple[float, Maintenance] | None = None

    async def read(self) -> Maintenance:
        """The list as of some seconds ago at most. Raises DatabaseUnavailable."""
        async with self._reading:
            if self._read is None or time.monotonic() - self._read[0] > KEPT_S:
                self._read = time.monotonic(), await self._load()
            return self._read[1]

    async def _load(self) -> Maintenance:
        try:
            async with connect(self._database_url, name="parking reports", autocommit=True) as connection:
                with answering_within(connection, _ANSWER_S):
                    return await load_maintenance(connection)
        except Exception as error:
            known = explain(error)
            if known is None:
                raise
            raise known from error


def maintenance_body(maintenance: Maintenance) -> MaintenanceBody:
    """The list as JSON."""
    return MaintenanceBody(
        as_of=maintenance.as_of,
        visits=[_visit(visit) for visit in maintenance.visits],
        at_desk=[DeskFault(site=fault.site, **_fault(fault)) for fault in maintenance.at_desk],
        signs=[_sign(sign) for sign in maintenance.signs],
        notes=[_note(note) for note in maintenance.notes],
    )


def _note(note: Note) -> NoteBody:
    return NoteBody(
        id=note.note_id,
        site=note.site,
        name=note.site_name,
        bay=note.bay,
        wrong=note.wrong,
        text=note.text,
        made_at=note.made_at,
    )


def _sign(sign: SilentSign) -> SilentSignBody:
    here = None if sign.lon is None or sign.lat is None else Point(sign.lon, sign.lat)
    return SilentSignBody(
        sign=sign.sign,
        name=sign.name,
        site=sign.site,
        location=here,
        since=sign.since,
        reason=sign.reason,
    )


def _visit(visit: Visit) -> VisitBody:
    here = None if visit.lon is None or visit.lat is None else Point(visit.lon, visit.lat)
    return VisitBody(
        site=visit.site,
        name=visit.name,
        location=here,
        bays=visit.bays,
        lost_bay_hours_a_week=visit.lost_h,
        faults=[FaultBody(**_fault(fault)) for fault in visit.faults],
    )


def _fault(fault: Fault) -> dict[str, Any]:
    return {
        "bay": fault.bay,
        "device": fault.device,
        "rule": fault.rule.value,
        "severity": fault.severity,
        "since": fault.since,
        "lost_bay_hours_a_week": fault.lost_h,
        "reason": fault.reason,
        "evidence": dict(fault.evidence),
        "battery_empty_on": fault.battery_empty_on,
        "battery_forecast": fault.battery_forecast,
    }
