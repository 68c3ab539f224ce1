"""What is known of a site that is counted at its gates: counts, passages, paired visits, drift."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from parking.reporting.report import Asked

GATE_DEFINITIONS: Mapping[str, str] = {
    "arrivals": "vehicles that passed a gate inwards; departures outwards",
    "inside": "vehicles inside by the running count, with the corrections that hold, at the bucket's end",
    "average_inside": "the same, averaged over the bucket's time so far",
    "occupancy": "average_inside / capacity; not clamped: less than 0 or more than 1 is drift",
    "visits": "vehicles that left and whose entry was found by the token of their plate",
    "coverage": "visits / departures: by how many of those who left the dwell is measured",
    "average_dwell_s": "of the visits, seconds; median_dwell_s is what half of them did not exceed",
    "corrections": "changes of the count that no vehicle made, by rule or by hand, and their sum in vehicles",
    "drift": "inside_sd is how far off the count may be now (a standard deviation, vehicles); missed_share "
    "is the share of exits that no camera sees; both are estimates",
}


@dataclass(frozen=True, slots=True)
class GateBucket:
    """One bucket of a gate-counted site."""

    start: datetime
    end: datetime
    arrivals: int
    departures: int
    inside: int
    average_inside: float | None
    occupancy: float | None
    visits: int
    average_dwell_s: float | None
    median_dwell_s: float | None
    coverage: float | None
    corrections: int
    corrected_by: int


@dataclass(frozen=True, slots=True)
class GateLine:
    """One gate-counted site."""

    name: str
    capacity: int
    inside_at_start: int
    inside_sd: float | None
    missed_share: float | None
    total: GateBucket
    buckets: list[GateBucket]


@dataclass(frozen=True, slots=True)
class Gates:
    """Gate-counted sites over a period."""

    asked: Asked
    as_of: datetime
    lines: list[GateLine]
    definitions: Mapping[str, str]
