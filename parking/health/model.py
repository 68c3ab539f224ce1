"""What the rules of sensor health look at, and what they find.

Times in columns are seconds since 1970 (float64), NaN where there is none.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

DAYS = 7
"""How many days of a bay's life the rules look at."""
DAY_S = 86_400.0
WEEK_H = 168.0
VACANT, OCCUPIED, UNKNOWN = 0, 1, 2


class Rule(StrEnum):
    """What can be wrong with a device."""

    SILENT = "silent"
    FAULT = "fault"
    LOW_BATTERY = "low_battery"
    FLAPPING = "flapping"
    STUCK_OCCUPIED = "stuck_occupied"
    STUCK_VACANT = "stuck_vacant"
    DISAGREES = "disagrees_with_neighbours"
    OTHER_HEARTBEAT = "other_heartbeat"
    LEARNING = "learning"


class Severity(StrEnum):
    """`high`: the bay is told wrongly or not at all. `medium`: in part, or soon. `low`: good to know."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What one rule says of one device.

    `since` is when it began, or when it was first seen where nobody can know better. `lost_h` are the
    bay-hours a week in which the bay is told wrongly or not at all. The reason says nothing that changes
    with the clock, so that a fault that lasts stays one finding.
    """

    device: str
    bay: str
    site: str
    rule: Rule
    severity: Severity
    since: datetime
    lost_h: float
    reason: str
    evidence: Mapping[str, float | str]


@dataclass(slots=True, kw_only=True)
class Bays:
    """Columns over watched bays, in the order of site and bay; whole sites, so that neighbours are there.

    `assigned_at` is when the device came to the bay; `category` numbers the categories. `reported` is the
    device's last word and `since` its beginning. `said_heartbeat_s` is the interval that the device says it
    has, `empty_at` the day on which its battery is forecast to be empty.

    Of the days before now: `changes` has a row for each bay and a column for each day, the last day first;
    `flaps` are the last day's runs of a state that were too short to be true, `flap_s` how long they were
    together, `runs` all of them, `flaps_3d` and `runs_3d` the same of the last three days; `occupied_s` is
    how long the bay was occupied since `first_at`, the first change in these days.
    """

    bay: Sequence[str]
    site: Sequence[str]
    device: Sequence[str]
    category: Ints
    heartbeat_s: Floats
    assigned_at: Floats
    reported: Ints
    fault: Bools
    since: Floats
    seen_at: Floats
    battery_v: Floats
    battery_pct: Floats
    battery_low: Bools
    empty_at: Floats
    said_heartbeat_s: Floats
    health: Sequence[str | None]
    health_at: Floats
    changes: Ints
    flaps: Ints
    flap_s: Floats
    runs: Ints
    flaps_3d: Ints
    runs_3d: Ints
    first_at: Floats
    occupied_s: Floats

    def __len__(self) -> int:
        return len(self.bay)

    def finding(
        self,
        row: int,
        rule: Rule,
        severity: Severity,
        *,
        since: float,
        lost_h: float,
        reason: str,
        evidence: Mapping[str, float | str],
    ) -> Finding:
        """A finding about the device of one row; `since` in seconds since 1970."""
        return Finding(
            device=self.device[row],
            bay=self.bay[row],
            site=self.site[row],
            rule=rule,
            severity=severity,
            since=datetime.fromtimestamp(since, UTC),
            lost_h=round(min(max(float(lost_h), 0.0), WEEK_H), 1),
            reason=reason,
            evidence={name: _plain(value) for name, value in evidence.items()},
        )


def rows(where: Bools) -> list[int]:
    """The rows that are marked."""
    found: list[int] = np.flatnonzero(where).tolist()
    return found


def _plain(value: float | str) -> float | str:
    return value if isinstance(value, str) else round(float(value), 3)
