"""The maintenance list: what is wrong, grouped by site, the visit that mends most first."""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby

from parking.health.model import Rule
from parking.notes import Note

DESK_RULES = frozenset({Rule.OTHER_HEARTBEAT, Rule.LEARNING})
"""What no visit mends: it is corrected at a desk, or passes."""
HEADER = (
    "visit", "site", "site_name", "lon", "lat", "bay", "device", "rule", "severity", "since",
    "lost_bay_hours_a_week", "reason", "battery_empty_on",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One finding that is open. `lost_h`: bay-hours a week told wrongly or not at all because of it."""

    site: str
    site_name: str
    lon: float | None
    lat: float | None
    bay: str
    device: str
    rule: Rule
    severity: str
    since: datetime
    lost_h: float
    reason: str
    evidence: Mapping[str, float | str]
    battery_empty_on: date | None
    battery_forecast: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """The faults of one site. `lost_h` are the bay-hours a week that a visit mends, `bays` how many bays."""

    site: str
    name: str
    lon: float | None
    lat: float | None
    bays: int
    lost_h: float
    faults: tuple[Fault, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SilentSign:
    """A sign that has asked over HTTP and does so no longer: by now it has blanked itself, or should have."""

    sign: str
    name: str
    site: str | None
    site_name: str | None
    lon: float | None
    lat: float | None
    since: datetime
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Maintenance:
    """Visits, the most useful first, and what needs none. `as_of` is when all devices were last looked at.

    `signs` are those that have gone silent, `notes` what drivers say is wrong, the newest first.
    """

    as_of: datetime | None
    visits: tuple[Visit, ...]
    at_desk: tuple[Fault, ...]
    signs: tuple[SilentSign, ...] = ()
    notes: tuple[Note, ...] = ()

    def at(self, sites: frozenset[str] | None) -> "Maintenance":
        """What of it concerns these sites; None: all of it."""
        if sites is None:
            return self
        return Maintenance(
            as_of=self.as_of,
            visits=tuple(visit for visit in self.visits if visit.site in sites),
            at_desk=tuple(fault for fault in self.at_desk if fault.site in sites),
            signs=tuple(sign for sign in self.signs if sign.site in sites),
            notes=tuple(note for note in self.notes if note.site in sites),
        )


def plan_visits(faults: Iterable[Fault], *, as_of: datetime | None) -> Maintenance:
    """Group and rank. A bay with several faults is wrong no more than all the time: its worst one counts."""
    known = sorted(faults, key=lambda fault: (fault.site, -fault.lost_h, fault.bay, fault.rule))
    mendable = [fault for fault in known if fault.rule not in DESK_RULES]
    visits = [_visit(list(group)) for _, group in groupby(mendable, key=lambda fault: fault.site)]
    visits.sort(key=lambda visit: (-visit.lost_h, -visit.bays, visit.site))
    desk = tuple(fault for fault in known if fault.rule in DESK_RULES)
    return Maintenance(as_of=as_of, visits=tuple(visits), at_desk=desk)


def _visit(faults: Sequence[Fault]) -> Visit:
    worst: dict[str, float] = {}
    for fault in faults:
        worst[fault.bay] = max(worst.get(fault.bay, 0.0), fault.lost_h)
    first = faults[0]
    return Visit(
        site=first.site,
        name=first.site_name,
        lon=first.lon,
        lat=first.lat,
        bays=len(worst),
        lost_h=round(sum(worst.values()), 1),
        faults=tuple(faults),
    )


def as_csv(maintenance: Maintenance) -> str:
    """One line a fault, numbered by visit in their order; signs and notes have none."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(HEADER)
    writer.writerows(map(plain_cell, row) for row in _rows(maintenance))
    return text.getvalue()


def _rows(maintenance: Maintenance) -> Iterator[tuple[object, ...]]:
    numbered = [(str(n), fault) for n, visit in enumerate(maintenance.visits, 1) for fault in visit.faults]
    for number, f in [*numbered, *(("", fault) for fault in maintenance.at_desk)]:
        yield (
            number, f.site, f.site_name, f.lon, f.lat, f.bay, f.device, f.rule.value, f.severity,
            f.since.isoformat(), f.lost_h, f.reason, f.battery_empty_on,
        )  # fmt: skip
    for sign in maintenance.signs:
        yield (
            "", sign.site, sign.site_name, sign.lon, sign.lat, "", sign.sign, "sign_silent", "high",
            sign.since.isoformat(), "", sign.reason, None,
        )  # fmt: skip
    for note in maintenance.notes:
        yield (
            "", note.site, note.site_name, None, None, note.bay or "", "", "driver_note", "",
            note.made_at.isoformat(), "", note.words, None,
        )  # fmt: skip


def plain_cell(value: object) -> object:
    """A text that a spreadsheet would take for a formula is made a text again."""
    return (
        f"'{value}"
        if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r"))
        else value
    )
