"""Keeps forecasts, holds those whose time has come against what came, and tells how good they were."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from parking.db.connect import Connection, statement
from parking.db.records import columns
from parking.forecast.forecast import Basis
from parking.forecast.series import Floats
from parking.forecast.summary import Points, Summary
from parking.forecast.trust import DAYS, HORIZONS_MIN, Record


@dataclass(frozen=True, slots=True)
class Standing:
    """What is told of a site from now on, and why it is not the forecast, if it is not."""

    summary: Summary
    distrust: str | None = None


async def keep(connection: Connection, standing: Iterable[Standing], *, made_at: datetime) -> None:
    """Replace the forecasts that stand, in the order of their sites."""
    rows = [
        {
            "site_id": one.summary.site,
            "made_at": made_at,
            "capacity": one.summary.capacity,
            "basis": one.summary.basis.value,
            "why": one.summary.why,
            "distrust": one.distrust,
            **_arrays(one.summary.points),
        }
        for one in sorted(standing, key=lambda one: one.summary.site)
    ]
    async with connection.transaction(), connection.cursor() as cursor:
        await cursor.executemany(statement("forecast", "keep"), rows)


async def keep_usual(connection: Connection, day_from: datetime, usual: Mapping[str, Floats]) -> None:
    """Replace what is usual on the day that began then."""
    rows = [
        {
            "site_id": site,
            "day_from": day_from,
            "free": [None if value != value else value for value in free.tolist()],
        }
        for site, free in sorted(usual.items())
    ]
    async with connection.transaction(), connection.cursor() as cursor:
        await cursor.executemany(statement("forecast", "keep_usual"), rows)


async def remember(
    connection: Connection, summaries: Iterable[Summary], taken: Mapping[str, float], *, made_at: datetime
) -> None:
    """Keep what was foretold at `made_at` to be scored, of sites whose count is known and not closed then."""
    rows = []
    for one in summaries:
        if one.site not in taken or one.basis is Basis.CLOSED:
            continue
        points = one.points
        at = {minutes: row for row, minutes in enumerate(points.minutes)}
        for horizon in HORIZONS_MIN:
            if (row := at.get(horizon)) is not None:
                told = (
                    float(column[row]) for column in (points.free, points.low, points.high, points.chance)
                )
                rows.append((one.site, horizon, *told, one.capacity - taken[one.site]))
    if rows:
        values = columns("site_id horizon_min free low high chance free_then", rows)
        await connection.execute(statement("forecast", "remember"), {**values, "made_at": made_at})


async def score(connection: Connection, *, now: datetime) -> None:
    """Hold the forecasts whose time has come against the counts, each once, whoever does it."""
    await connection.execute(statement("forecast", "score"), {"now": now})


async def load_records(connection: Connection, *, now: datetime) -> dict[str, list[Record]]:
    """How good the forecasts of each site were of late, by horizon."""
    since = (now.astimezone(UTC) - timedelta(days=DAYS)).date()
    found: dict[str, list[Record]] = {}
    cursor = await connection.execute(statement("forecast", "records"), {"since": since})
    for site, horizon, n, error, plain, inside, brier in await cursor.fetchall():
        record = Record(horizon, n, error / n, plain / n, inside / n, brier / n)
        found.setdefault(site, []).append(record)
    return found


async def forget_others(connection: Connection, sites: Sequence[str]) -> None:
    """Remove what stands of sites that are no longer there."""
    await connection.execute(statement("forecast", "forget_sites"), {"sites": list(sites)})


def _arrays(points: Points) -> dict[str, list[float] | list[int]]:
    return {
        "minutes": list(points.minutes),
        "free": [round(value, 2) for value in points.free.tolist()],
        "low": [round(value, 2) for value in points.low.tolist()],
        "high": [round(value, 2) for value in points.high.tolist()],
        "chance": [round(value, 4) for value in points.chance.tolist()],
    }
