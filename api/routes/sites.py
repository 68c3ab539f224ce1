"""Sites and their bays: /v1/sites."""

from typing import Annotated

from fastapi import APIRouter, Path, Request
from starlette.responses import Response

from api.access import caller_if_any
from api.answers import answer, documented
from api.prepared import Answers
from parking.access_keys import Scope

Id = Annotated[str, Path(max_length=200, description="the id of the site")]


def sites_router(answers: Answers) -> APIRouter:
    """Routes that tell the published numbers."""
    router = APIRouter(tags=["Sites"])

    @router.get("/v1/sites", responses=documented("Sites", 304, 503), summary="All sites")
    async def sites(request: Request) -> Response:
        """Every site with its published number."""
        return answer(request, answers.sites())

    @router.get("/v1/sites/{site_id}", responses=documented("Site", 304, 404, 422, 503), summary="One site")
    async def site(request: Request, site_id: Id) -> Response:
        """One site with its published number. `stale` is true when the number is too old to be relied on."""
        return answer(request, answers.site(site_id))

    @router.get(
        "/v1/sites/{site_id}/bays",
        responses=documented("Bays", 304, 401, 404, 422, 503),
        summary="The bays of a site",
    )
    async def bays(request: Request, site_id: Id) -> Response:
        """The state of each bay. A bay whose sensor is silent is `unknown`, never `vacant`.

        States of bays whose use could tell of a person (for residents, for disabled people) are `withheld`,
        unless an API key with the scope `reports:read` is sent.
        """
        caller = await caller_if_any(request)
        every = caller is not None and caller.may(Scope.REPORTS_READ) and caller.may_at(site_id)
        return answer(request, answers.bays(site_id, every=every))

    return router
