"""What drivers ask of a site beyond its number: hours, height, price, entrances."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec


@dataclass(frozen=True, slots=True, kw_only=True)
class Tariff:
    """What parking costs, as far as it is known: `per_hour` in units of `currency` (ISO 4217)."""

    free: bool | None = None
    per_hour: float | None = None
    currency: str = "GBP"
    text: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Entrance:
    """Where vehicles drive in, WGS 84 degrees."""

    lon: float
    lat: float
    name: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteDetails:
    """What the registry says of a site where it says so; None is "not known".

    `opening_hours` in the syntax of OpenStreetMap; `spaces` is the number of marked spaces of each category,
    for a site that is counted at its gates. `pairing_window_min` and `empty_when_closed` are for its count.
    """

    zone: str | None = None
    address: str | None = None
    operator: str | None = None
    opening_hours: str | None = None
    max_height_m: float | None = None
    max_stay_min: int | None = None
    tariff: Tariff | None = None
    entrances: tuple[Entrance, ...] = ()
    url: str | None = None
    spaces: Mapping[str, int] = field(default_factory=dict)
    pairing_window_min: int | None = None
    empty_when_closed: bool = False


NOTHING = SiteDetails()
FIELDS = frozenset(SiteDetails.__dataclass_fields__)


def site_details(stored: Mapping[str, Any]) -> SiteDetails:
    """From the column `site.details`; members that this version does not know are left out."""
    return msgspec.convert({key: stored[key] for key in stored.keys() & FIELDS}, SiteDetails)
