"""The rules that turn the states of bays, or a count at the gates, into a site's published number."""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta

DRIFT_SDS = 2.0
"""Standard deviations of its drift by which a count at gates may be off."""
TTL_HEARTBEATS = 2.5
"""A device silent for longer than this many of its heartbeats leaves its bay unknown."""


@dataclass(frozen=True, slots=True)
class Counts:
    """What a site offers; vacant + occupied + unknown = capacity and free_min <= free_max, always."""

    capacity: int
    vacant: int
    occupied: int
    unknown: int
    free_min: int
    free_max: int


def ttl(heartbeat_s: int) -> timedelta:
    """How long a device with this heartbeat (seconds) may be silent before its bay is unknown."""
    return timedelta(seconds=heartbeat_s * TTL_HEARTBEATS)


def count_bays(*, vacant: int, occupied: int, unknown: int) -> Counts:
    """A site whose every bay has a sensor: the unknown bays may all be taken, or all be free."""
    return Counts(vacant + occupied + unknown, vacant, occupied, unknown, vacant, vacant + unknown)


def count_gates(*, capacity: int, inside: int, sd: float = 0.0) -> Counts:
    """A site counted at its gates: `inside` vehicles by the running count, which may have drifted.

    What is published stays within the capacity; the running count itself is kept, so that drift shows. `sd`
    is the standard deviation of the estimated drift: the bounds hold the truth 19 times of 20.
    """

    def within(vehicles: int) -> int:
        return min(max(vehicles, 0), capacity)

    occupied, margin = within(inside), math.ceil(DRIFT_SDS * sd)
    return Counts(
        capacity,
        capacity - occupied,
        occupied,
        0,
        capacity - within(inside + margin),
        capacity - within(inside - margin),
    )


def is_stale(as_of: datetime, now: datetime, *, stale_after_s: float) -> bool:
    """Whether a number last confirmed at `as_of` is too old to be shown as true."""
    return now - as_of > timedelta(seconds=stale_after_s)
