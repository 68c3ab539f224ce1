"""The OpenAPI document, made from the routes and from the types that are really encoded."""

from importlib.metadata import version
from typing import Any

import msgspec
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from api.answers import outcome
from api.audit import AuditBody
from api.bodies import Bays, Nearby, Readiness, Sign, Signs, Site, Sites
from api.closures import ClosureBody, ClosuresBody
from api.counts import CorrectionsBody, CountsBody, NamedCorrectionBody
from api.forecast_bodies import ForecastBody, ForecastReport
from api.keys import KeyBody, KeysBody, NewKeyBody
from api.maintenance import MaintenanceBody
from api.opendata.index import OpenDataIndex
from api.problems import Problem
from api.registry import registry_schemas
from api.sign_desk import HistoryBody, OverrideBody
from api.webhooks.bodies import MessagesBody, NewWebhookBody, PingBody, WebhookBody, WebhooksBody
from parking.db.registry_files import Report
from parking.reporting.dwell import Dwell, Overstays
from parking.reporting.gates import Gates
from parking.reporting.monthly import Monthly
from parking.reporting.report import Comparison, Profile, Utilisation

_TYPES = (
    *(Site, Sites, Bays, Nearby, Sign, Signs, Readiness),
    *(MaintenanceBody, KeyBody, KeysBody, NewKeyBody, AuditBody),
    *(ForecastBody, ForecastReport),
    *(CountsBody, CorrectionsBody, NamedCorrectionBody),
    *(OverrideBody, HistoryBody),
    *(WebhookBody, WebhooksBody, NewWebhookBody, MessagesBody, PingBody),
    *(Utilisation, Profile, Comparison, Dwell, Overstays, Gates, Monthly),
    OpenDataIndex,
    *(ClosureBody, ClosuresBody, Report),
    Problem,
)

_ABOUT = """Live parking vacancy. A space is vacant, occupied or unknown, and unknown is never told as vacant.
Each site has one published number with a `revision`: wherever told, the same revision is the same number.
`as_of` says when it was last known to be true; when that is too long ago, `stale` is true: do not show it as
true then. Times are RFC 3339 in UTC. Errors are RFC 9457 problems. Reads need no key and may come from any
origin; send `If-None-Match` with the ETag that you have. All else needs an API key with a scope: send it as
`Authorization: Bearer KEY`, as `X-Api-Key: KEY`, or as the password of HTTP Basic with any user name."""


def openapi_document(app: FastAPI) -> dict[str, Any]:
    """OpenAPI 3.1 of everything that `app` answers."""
    document = get_openapi(
        title="Smart parking",
        version=version("smart-parking"),
        description=_ABOUT,
        routes=app.routes,
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
    )
    _, schemas = msgspec.json.schema_components(_TYPES, ref_template="#/components/schemas/{name}")
    document.setdefault("components", {}).setdefault("schemas", {}).update(schemas | registry_schemas())
    for framework in ("HTTPValidationError", "ValidationError"):
        document["components"]["schemas"].pop(framework, None)
    for operations in document["paths"].values():
        for operation in operations.values():
            _add_common(operation)
    return document


def _add_common(operation: dict[str, Any]) -> None:
    """What is answered before a route is reached: by what reads the request, and by limits."""
    responses = operation["responses"]
    for status in (400, 408, 413, 429) if "requestBody" in operation else (429,):
        responses.setdefault(str(status), outcome(status))
    if "422" in responses:
        responses["422"] = outcome(422)
