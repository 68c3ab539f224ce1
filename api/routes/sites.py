"""Sites and their bays: /v1/sites."""

from typing import Annotated

from fastapi import APIRouter, Path, Request
from starlette.responses import Response

from api.answers import answer, documented
from api.prepared import Answers

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
        responses=documented("Bays", 304, 404, 422, 503),
        summary="The bays of a site",
    )
    async def bays(request: Request, site_id: Id) -> Response:
        """The state of each bay. A bay whose sensor is silent is `unknown`, never `vacant`."""
        return answer(request, answers.bays(site_id))

    return router
