"""For operators: /healthz, /readyz, /metrics."""

from typing import Any

from fastapi import APIRouter
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from starlette.responses import Response

from api.answers import documented
from api.bodies import Check, Readiness, encode
from api.feed import FeedStatus
from api.live import LiveView
from api.metrics import Metrics, view_age_s

_NOT_KNOWN = "Not known while the database cannot be read."


def health_router(view: LiveView, feed: FeedStatus, metrics: Metrics) -> APIRouter:
    """Routes that tell how the API fares."""
    router = APIRouter(tags=["Operation"])
    headers = {"Cache-Control": "no-store"}
    content = {"text/plain": {"schema": {"type": "string"}}}
    plain: dict[int | str, dict[str, Any]] = {200: {"description": "Successful", "content": content}}

    @router.get("/healthz", response_class=Response, responses=plain, summary="Does the process live?")
    async def healthz() -> Response:
        """Answers `ok` as long as the process can answer at all. Restart it when it does not."""
        return Response("ok\n", media_type="text/plain", headers=headers)

    ready = documented("Readiness")
    ready[503] = {**ready[200], "description": "Not all is well; `reasons` says what."}

    @router.get("/readyz", responses=ready, summary="Is all well?")
    async def readyz() -> Response:
        """Whether the numbers are live, with reasons.

        Even when they are not, what is known is served, marked stale: send alarms by this, but let a load
        balancer go by `/healthz`.
        """
        body = readiness(view, feed)
        status = 200 if body.ready else 503
        return Response(encode(body), status_code=status, media_type="application/json", headers=headers)

    @router.get("/metrics", response_class=Response, responses=plain, summary="Metrics for Prometheus")
    async def prometheus() -> Response:
        """Prometheus' text format."""
        return Response(metrics.render(), headers={**headers, "Content-Type": CONTENT_TYPE_LATEST})

    return router


def readiness(view: LiveView, feed: FeedStatus) -> Readiness:
    """Each condition for live numbers, from the database to the broker."""
    checks = {
        "database": _database(feed),
        "schema": _schema(feed),
        "loaded": Check(view.loaded, "Loaded." if view.loaded else "The numbers have not been read yet."),
        "ingestor": _ingestor(view, feed),
        "broker": _broker(view, feed),
    }
    reasons = [f"{name}: {check.detail}" for name, check in checks.items() if not check.ok]
    return Readiness(not reasons, reasons, checks)


def _database(feed: FeedStatus) -> Check:
    reachable = feed.problem is None or feed.schema_is_wrong
    return Check(reachable, "Connected." if reachable else str(feed.problem))


def _schema(feed: FeedStatus) -> Check:
    if feed.problem is None:
        return Check(True, "As this version needs it.")
    return Check(False, feed.problem if feed.schema_is_wrong else _NOT_KNOWN)


def _ingestor(view: LiveView, feed: FeedStatus) -> Check:
    if feed.problem is not None or view.confirmation is None:
        return Check(False, _NOT_KNOWN)
    if view.confirmation.ingestors == 0:
        return Check(False, "No ingestor runs. Start `parking ingest`.")
    age = view_age_s(view)
    if age > view.stale_after_s:
        return Check(False, f"An ingestor has not confirmed the numbers for {age:.0f} s. Look at its log.")
    return Check(True, f"Confirmed {max(age, 0):.0f} s ago.")


def _broker(view: LiveView, feed: FeedStatus) -> Check:
    if feed.problem is not None or view.confirmation is None:
        return Check(False, _NOT_KNOWN)
    lost = view.confirmation.ingestors - view.confirmation.connected
    if view.confirmation.ingestors == 0:
        return Check(False, "Not known: no ingestor runs.")
    if lost:
        return Check(
            False, f"{lost} of {view.confirmation.ingestors} ingestors have no connection to the broker."
        )
    return Check(True, "Connected, say the ingestors.")
