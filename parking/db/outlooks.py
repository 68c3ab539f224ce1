"""Reads what is foretold, what is usual and what was counted today, for those who show it."""

from array import array
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import nan

from parking.db.connect import Connection, statement
from parking.outlook import Outlook, OutlookPoint


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredOutlook:
    """One site's outlook in little memory: numbers for each of `minutes` after `made_at`."""

    site: str
    made_at: datetime
    capacity: int
    basis: str
    why: str
    distrust: str | None
    minutes: tuple[int, ...]
    free: "array[float]"
    low: "array[float]"
    high: "array[float]"
    chance: "array[float]"

    def outlook(self) -> Outlook:
        """The same for those who read it."""
        columns = zip(self.minutes, self.free, self.low, self.high, self.chance, strict=True)
        points = tuple(
            OutlookPoint(
                at=self.made_at + timedelta(minutes=minutes), free=free, low=low, high=high, chance=chance
            )
            for minutes, free, low, high, chance in columns
        )
        return Outlook(
            site=self.site,
            made_at=self.made_at,
            capacity=self.capacity,
            points=points,
            basis=self.basis,
            why=self.why,
            trusted=self.distrust is None,
            distrust=self.distrust,
        )


@dataclass(frozen=True, slots=True)
class SiteDay:
    """A site's local day from `begins` on: `usual` free spaces at its quarter hours by the clock, and those
    counted so far, `counted` free `after_s` seconds. Not known is NaN.
    """

    begins: datetime
    usual: "array[float]"
    after_s: "array[int]"
    counted: "array[float]"


async def load_outlooks(connection: Connection, *, after: datetime) -> list[StoredOutlook]:
    """The outlooks that were made at a moment or later."""
    cursor = connection.cursor(binary=True)
    await cursor.execute(statement("forecast", "outlooks"), {"after": after})
    steps: dict[tuple[int, ...], tuple[int, ...]] = {}
    found = []
    async for site, made_at, capacity, basis, why, distrust, minutes, free, low, high, chance in cursor:
        same = tuple(minutes)
        found.append(
            StoredOutlook(
                site=site,
                made_at=made_at,
                capacity=capacity,
                basis=basis,
                why=why,
                distrust=distrust,
                minutes=steps.setdefault(same, same),
                free=array("f", free),
                low=array("f", low),
                high=array("f", high),
                chance=array("f", chance),
            )
        )
    return found


async def load_days(connection: Connection) -> dict[str, SiteDay]:
    """What is usual on each site's latest day, and what was counted on it."""
    cursor = connection.cursor(binary=True)
    await cursor.execute(statement("forecast", "usual"))
    return {
        site: SiteDay(begins, _numbers(usual), array("i", after_s or ()), _numbers(counted or ()))
        async for site, begins, usual, after_s, counted in cursor
    }


def _numbers(values: "list[float | None] | tuple[()]") -> "array[float]":
    return array("f", [nan if value is None else value for value in values])
