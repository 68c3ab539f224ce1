"""How much one address may ask, and how often it may show keys that are none: 429 with Retry-After."""

import math
from http import HTTPStatus

import structlog
from starlette.types import Scope

from api.addresses import Addresses
from api.buckets import Buckets
from api.problems import Refused
from parking.settings import Settings

FAILURES_PER_S = 1 / 6
FAILURES_BURST = 10
"""Keys that are none: ten at once, then ten a minute from one address."""
_SIGNS = "/v1/signs"
_TOO_MANY = "Too many requests from this address; please wait as `Retry-After` says."

_log = structlog.get_logger()


class Limits:
    """The buckets of one process. Signs have their own: no crowd behind an address blanks its signs."""

    def __init__(self, settings: Settings) -> None:
        per_s, burst = settings.rate_per_s, settings.rate_burst
        self.addresses = Addresses(settings.trusted_proxies)
        self.reads = Buckets(per_s=per_s, burst=burst)
        self.signs = Buckets(per_s=per_s, burst=burst)
        self.callers = Buckets(per_s=per_s, burst=burst)
        self.failures = Buckets(per_s=FAILURES_PER_S, burst=FAILURES_BURST)
        self._off = settings.rate_per_s == 0
        self._warned = False

    def wait_s(self, scope: Scope) -> float:
        """0 if the request may be answered, else in how many seconds one may."""
        if self._off:
            return 0.0
        buckets = self.signs if scope["path"].startswith(_SIGNS) else self.reads
        return buckets.take(self.addresses.of(scope))

    def warn(self, scope: Scope) -> None:
        """Say once that a proxy is not known as one: all its clients are limited as if they were one."""
        if not self._warned and self.addresses.is_unknown_proxy(scope):
            self._warned = True
            _log.warning(
                "A proxy that is not trusted is limited as one client: add it to PARKING_TRUSTED_PROXIES",
                proxy=scope["client"][0],
            )


def is_sign(scope: Scope) -> bool:
    """Whether it is a sign's controller that asks."""
    path: str = scope["path"]
    return path.startswith(_SIGNS)


def too_many(wait_s: float, detail: str = _TOO_MANY) -> Refused:
    """The problem for somebody who asks too much."""
    headers = {"Retry-After": str(max(1, math.ceil(wait_s)))}
    return Refused(HTTPStatus.TOO_MANY_REQUESTS, detail, headers=headers)
