"""What is foretold: /v1/sites/{id}/forecast, and how good that was: /v1/reports/forecast."""

from datetime import datetime
from itertools import chain
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request
from starlette.responses import Response

from api.access import Caller, needs
from api.answers import GUARDED, answer, documented
from api.bodies import encode
from api.forecast_bodies import ForecastReport, SiteAccuracy, accuracy, forecast_body
from api.forecasts import ForecastReader
from api.live import LiveView
from api.prepared import Answers, Prepared, prepared
from parking.access_keys import Scope
from parking.forecast.trust import DAYS, together
from parking.outlook import OLD

Id = Annotated[str, Path(max_length=200, description="the id of the site")]
Reader = Annotated[Caller, Depends(needs(Scope.REPORTS_READ))]


def forecast_router(view: LiveView, answers: Answers, forecasts: ForecastReader) -> APIRouter:
    """The routes that tell what is foretold."""
    router = APIRouter()

    @router.get(
        "/v1/sites/{site_id}/forecast",
        responses=documented("ForecastBody", 304, 404, 422, 503),
        tags=["Sites"],
        summary="Free spaces in the next 24 hours",
    )
    async def forecast(request: Request, site_id: Id) -> Response:
        """How many spaces will be free, how sure that is and why, made anew each minute.

        Between two `points` the truth is best taken to lie on the line. `trusted` is false where the
        forecasts of this site were worse of late than its plain count; then that is told instead.
        """
        return answer(request, site_forecast(view, answers, forecasts, site_id))

    @router.get(
        "/v1/reports/forecast",
        responses=documented("ForecastReport", *GUARDED),
        tags=["Reports"],
        summary="How good the forecasts were",
    )
    async def report(caller: Reader) -> Response:
        """Every forecast for 30, 60 and 120 minutes and 24 hours ahead is held against what came; the sums
        of the last days, of all sites together and of each, beside those of saying: as many as now.
        """
        view.require_loaded()
        chosen = [site for site in sorted(view.sites) if caller.sites is None or site in caller.sites]
        body = encode(_report(forecasts, chosen))
        return Response(body, media_type="application/json", headers={"Cache-Control": "no-store"})

    return router


def site_forecast(view: LiveView, answers: Answers, forecasts: ForecastReader, site_id: str) -> Prepared:
    """The answer for one site. Raises NotLoaded or NotFound."""
    site = view.site(site_id)
    outlook = forecasts.of(site_id)

    def render(now: datetime) -> Prepared:
        records = forecasts.records.get(site_id, [])
        body = encode(forecast_body(site_id, outlook, records, capacity=site.snapshot.capacity))
        return prepared(body, None if outlook is None else outlook.made_at + OLD)

    basis = (None if outlook is None else outlook.made_at,)
    return answers.prepare(("forecast", site_id), render, basis=basis)


def _report(forecasts: ForecastReader, sites: list[str]) -> ForecastReport:
    records = {site: forecasts.records.get(site, []) for site in sites}
    told = {site: forecasts.of(site) for site in sites}
    return ForecastReport(
        made_at=forecasts.made_at,
        days=DAYS,
        overall=accuracy(together(chain.from_iterable(records.values()))),
        sites=[
            SiteAccuracy(
                site=site,
                trusted=one is None or one.trusted,
                distrust=None if one is None else one.distrust,
                accuracy=accuracy(records[site]),
            )
            for site, one in told.items()
        ],
    )
