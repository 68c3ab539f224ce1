"""Every error as an RFC 9457 problem: one table from the errors of the domain to HTTP."""

import math
from collections.abc import Mapping
from http import HTTPStatus
from typing import Annotated

import msgspec
import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from msgspec import UNSET, Meta, UnsetType
from starlette.exceptions import HTTPException
from starlette.responses import Response

from api.bodies import encode
from api.live import NotLoaded
from parking.errors import (
    AccessError,
    Conflict,
    ConflictError,
    DatabaseUnavailable,
    Fault,
    InputError,
    NotFound,
    ParkingError,
    RegistryError,
)

_log = structlog.get_logger()

RETRY_AFTER_S = 3
_SHOWN = 100


class TooManyReaders(ParkingError):
    """As many event streams are open as this server takes; please try again later."""


class Refused(ParkingError):
    """What was asked is not done for this caller, or not now: a status, why, and headers that go with it."""

    def __init__(self, status: HTTPStatus, message: str, *, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.headers = headers or {}


class Forbidden(Refused):
    """The caller is known and may not do this."""

    def __init__(self, message: str, *, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(HTTPStatus.FORBIDDEN, message, headers=headers)


STATUS_OF: Mapping[type[ParkingError], HTTPStatus] = {
    NotFound: HTTPStatus.NOT_FOUND,
    Conflict: HTTPStatus.CONFLICT,
    ConflictError: HTTPStatus.CONFLICT,
    AccessError: HTTPStatus.UNPROCESSABLE_ENTITY,
    InputError: HTTPStatus.UNPROCESSABLE_ENTITY,
    RegistryError: HTTPStatus.UNPROCESSABLE_ENTITY,
    NotLoaded: HTTPStatus.SERVICE_UNAVAILABLE,
    TooManyReaders: HTTPStatus.SERVICE_UNAVAILABLE,
}


class FieldProblem(msgspec.Struct, frozen=True, omit_defaults=True):
    """One value that cannot be used: where it is, what it was, and the rule that it breaks."""

    field: str
    value: str
    rule: str
    line: Annotated[int | UnsetType, Meta(description="of the file, where one was sent")] = UNSET


class Problem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An error, as RFC 9457 describes it."""

    type: Annotated[str, Meta(description="always about:blank: the status says what kind it is")]
    title: str
    status: int
    detail: str
    instance: str
    errors: Annotated[list[FieldProblem] | UnsetType, Meta(description="the values that cannot be used")] = (
        UNSET
    )


def problem(
    path: str,
    *,
    status: HTTPStatus,
    detail: str,
    errors: list[FieldProblem] | UnsetType = UNSET,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """The answer that tells of one problem with a request for `path`."""
    body = Problem(
        type="about:blank",
        title=status.phrase,
        status=status,
        detail=detail,
        instance=path,
        errors=errors,
    )
    retry = {"Retry-After": str(RETRY_AFTER_S)} if status == HTTPStatus.SERVICE_UNAVAILABLE else {}
    return Response(
        encode(body),
        status_code=status,
        headers={"Cache-Control": "no-store", **retry, **(headers or {})},
        media_type="application/problem+json",
    )


def unexpected(path: str) -> Response:
    """The answer when something failed that should not: it tells nothing of the inside."""
    return problem(
        path, status=HTTPStatus.INTERNAL_SERVER_ERROR, detail="Something failed on our side; it was logged."
    )


def install(app: FastAPI) -> None:
    """Let every error that a route raises become a problem."""
    app.add_exception_handler(ParkingError, _domain)
    app.add_exception_handler(RequestValidationError, _validation)
    app.add_exception_handler(HTTPException, _http)


async def _domain(request: Request, error: Exception) -> Response:
    assert isinstance(error, ParkingError)
    if isinstance(error, Refused):
        return problem(request.url.path, status=error.status, detail=error.message, headers=error.headers)
    if isinstance(error, DatabaseUnavailable):
        # It names the server and its user, which are nobody's business outside.
        _log.warning("A request had no database", path=request.url.path, reason=error.message)
        away = "The database cannot be reached now. Please try again."
        return problem(request.url.path, status=HTTPStatus.SERVICE_UNAVAILABLE, detail=away)
    status = next((STATUS_OF[kind] for kind in type(error).__mro__ if kind in STATUS_OF), None)
    if status is None:
        _log.error("A request failed", path=request.url.path, error=error.message)
        return unexpected(request.url.path)
    errors = [_field_problem(fault) for fault in error.faults] if isinstance(error, RegistryError) else []
    return problem(request.url.path, status=status, detail=error.message, errors=errors or UNSET)


def _field_problem(fault: Fault) -> FieldProblem:
    within = f" ({fault.within})" if fault.within else ""
    line = UNSET if fault.line is None else fault.line
    return FieldProblem(f"{fault.field}{within}", _shown(fault.value), fault.rule, line)


async def _validation(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    errors = [
        FieldProblem(".".join(map(str, one["loc"])), _shown(one.get("input")), str(one["msg"]))
        for one in error.errors()
    ]
    named = ", ".join(one.field for one in errors)
    return problem(
        request.url.path,
        status=HTTPStatus.UNPROCESSABLE_ENTITY,
        detail=f"Some values cannot be used: {named}.",
        errors=errors,
    )


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    status = HTTPStatus(error.status_code)
    detail = {
        HTTPStatus.NOT_FOUND: "There is nothing here. What there is, is described at /docs.",
        HTTPStatus.METHOD_NOT_ALLOWED: f"{request.method[:20]} is not possible here.",
    }.get(status, error.detail)
    return problem(request.url.path, status=status, detail=detail, headers=error.headers)


def _shown(value: object) -> str:
    """A value as it came, short enough to send back; nothing where it was missing."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "" if value is None else "nan"
    return str(value)[:_SHOWN]
