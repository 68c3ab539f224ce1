"""Snapshots of sites for the tests of signs."""

from datetime import UTC, datetime

from parking.availability import count_bays
from parking.model import SiteStatus, Snapshot

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)


def snapshot_of(
    vacant: int = 0,
    occupied: int = 0,
    unknown: int = 0,
    *,
    id: str = "street",
    revision: int = 1,
    status: SiteStatus = SiteStatus.OPEN,
) -> Snapshot:
    """The snapshot of a street with so many bays in each state, at NOON."""
    counts = count_bays(vacant=vacant, occupied=occupied, unknown=unknown)
    return Snapshot(
        site_id=id,
        revision=revision,
        status=status,
        capacity=counts.capacity,
        vacant=vacant,
        occupied=occupied,
        unknown=unknown,
        free_min=counts.free_min,
        free_max=counts.free_max,
        as_of=NOON,
    )
