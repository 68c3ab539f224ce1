"""What the API says of what is foretold, and of how good that was."""

from collections.abc import Iterable, Sequence
from typing import Annotated

import msgspec
from msgspec import Meta

from api.bodies import Count, Time
from parking.forecast.trust import DAYS, Record
from parking.outlook import Outlook


class ForecastPoint(msgspec.Struct, frozen=True, kw_only=True):
    """The free spaces expected at one moment."""

    at: Time
    free: Annotated[float, Meta(ge=0, description="the median: as likely fewer as more")]
    low: Annotated[float, Meta(ge=0, description="with a chance of 80 % it is between this")]
    high: Annotated[float, Meta(ge=0, description="and this")]
    chance: Annotated[float, Meta(ge=0, le=1, description="that at least one space is free")]


class Accuracy(msgspec.Struct, frozen=True, kw_only=True):
    """How good the forecasts of one horizon were of late. Errors are means, in percent of the capacity."""

    horizon_min: int
    n: Annotated[int, Meta(ge=0, description="forecasts whose time has come")]
    mae: Annotated[float, Meta(ge=0, description="mean absolute error")]
    plain_mae: Annotated[float, Meta(ge=0, description="that of saying: as many as now")]
    coverage: Annotated[float, Meta(ge=0, le=1, description="share of truths between low and high; aim 0.8")]
    brier: Annotated[float, Meta(ge=0, le=1, description="of the chance of at least one space; 0 is perfect")]


class ForecastBody(msgspec.Struct, frozen=True, kw_only=True):
    """What is foretold of one site. `points` is empty where nothing can be said; `why` says so then."""

    site: str
    made_at: Annotated[Time | None, Meta(description="null before anything has been foretold")]
    capacity: Count
    basis: Annotated[
        str,
        Meta(
            description="history, similar_sites, little_history, usual, current_count, closed, or nothing: "
            "what it rests on"
        ),
    ]
    why: Annotated[str, Meta(description="the same in a sentence, for half an hour ahead")]
    trusted: Annotated[
        bool, Meta(description="false where the plain count was better of late, which is then told instead")
    ]
    distrust: str | None
    points: list[ForecastPoint]
    accuracy: Annotated[list[Accuracy], Meta(description=f"of the last {DAYS} days")]


class SiteAccuracy(msgspec.Struct, frozen=True, kw_only=True):
    """How good one site's forecasts were."""

    site: str
    trusted: bool
    distrust: str | None
    accuracy: list[Accuracy]


class ForecastReport(msgspec.Struct, frozen=True, kw_only=True):
    """How good the forecasts of the last days were, of all sites together and of each."""

    made_at: Time | None
    days: int
    overall: list[Accuracy]
    sites: list[SiteAccuracy]


def forecast_body(
    site: str, outlook: Outlook | None, records: Sequence[Record], *, capacity: int
) -> ForecastBody:
    """The body for one site."""
    if outlook is None:
        return ForecastBody(
            site=site,
            made_at=None,
            capacity=capacity,
            basis="nothing",
            why="No forecast: none has been made of late.",
            trusted=True,
            distrust=None,
            points=[],
            accuracy=accuracy(records),
        )
    points = [
        ForecastPoint(
            at=point.at,
            free=round(point.free, 1),
            low=round(point.low, 1),
            high=round(point.high, 1),
            chance=round(point.chance, 3),
        )
        for point in outlook.points
    ]
    return ForecastBody(
        site=site,
        made_at=outlook.made_at,
        capacity=outlook.capacity,
        basis=outlook.basis,
        why=outlook.why,
        trusted=outlook.trusted,
        distrust=outlook.distrust,
        points=points,
        accuracy=accuracy(records),
    )


def accuracy(records: Iterable[Record]) -> list[Accuracy]:
    """Those records, rounded for readers."""
    return [
        Accuracy(
            horizon_min=one.horizon_min,
            n=one.n,
            mae=round(one.error, 2),
            plain_mae=round(one.plain_error, 2),
            coverage=round(one.coverage, 3),
            brier=round(one.brier, 4),
        )
        for one in records
    ]
