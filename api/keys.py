"""Keys as the API tells them and takes wishes for them."""

from datetime import datetime
from typing import Annotated, Any

import msgspec
from msgspec import Meta
from pydantic import BaseModel, ConfigDict, Field

from api.access import Caller
from api.bodies import Time
from api.problems import Forbidden
from parking.access_keys import AccessKey, Presented, Scope

_DAY_S = 86_400
_MOST_DAYS = 7305


class KeyBody(msgspec.Struct, frozen=True, kw_only=True):
    """A key without its secret, which only its holder has."""

    id: str
    name: str
    scopes: list[Scope]
    sites: Annotated[list[str] | None, Meta(description="the only sites it is good for; null for all")]
    state: Annotated[str, Meta(description="valid, expired or revoked")]
    created_at: Time
    created_by: str
    rotated_at: Time | None
    former_until: Annotated[
        Time | None, Meta(description="till then the secret before the rotation works too")
    ]
    expires_at: Time | None
    revoked_at: Time | None
    last_used_at: Annotated[Time | None, Meta(description="to the minute")]


class NewKeyBody(KeyBody, frozen=True, kw_only=True):
    """A key with its secret, which is told once."""

    key: Annotated[str, Meta(description="keep it now: it is stored nowhere and not told again")]


class KeysBody(msgspec.Struct, frozen=True):
    """All keys, the newest first, also those that have ended."""

    keys: list[KeyBody]


class KeyWish(BaseModel):
    """A key to be made. It can be given no scope and no site that its maker lacks."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(max_length=100, description="whose it is: a person's or a program's name")
    scopes: list[Scope] = Field(min_length=1, max_length=len(Scope))
    sites: list[str] | None = Field(None, max_length=1000, description="good for these sites alone")
    expires_in_days: int | None = Field(None, ge=1, le=_MOST_DAYS, description="never ends without it")

    @property
    def expires_s(self) -> float | None:
        """How long it is good, in seconds."""
        return None if self.expires_in_days is None else self.expires_in_days * _DAY_S


class RotationWish(BaseModel):
    """How a key gets a new secret."""

    model_config = ConfigDict(extra="forbid")

    overlap_hours: float = Field(24, ge=0, le=24 * 366, description="so long the old secret works as well")
    expires_in_days: int | None = Field(None, ge=1, le=_MOST_DAYS, description="its new end; else as before")

    @property
    def overlap_s(self) -> float:
        """The overlap in seconds."""
        return self.overlap_hours * 3600

    @property
    def expires_s(self) -> float | None:
        """How long it is good from now, in seconds."""
        return None if self.expires_in_days is None else self.expires_in_days * _DAY_S


def key_body(key: AccessKey, now: datetime) -> KeyBody:
    """The key as JSON."""
    return KeyBody(**_fields(key, now))


def new_key_body(key: AccessKey, presented: Presented, now: datetime) -> NewKeyBody:
    """The key as JSON, with its secret."""
    return NewKeyBody(key=presented.text, **_fields(key, now))


def require_within(caller: Caller, scopes: frozenset[Scope], sites: tuple[str, ...] | None) -> None:
    """Nobody makes or renews a key that may do more than they may. Raises Forbidden."""
    beyond = scopes - caller.scopes
    if beyond:
        raise Forbidden(
            f"{caller.name} cannot give out a key with {', '.join(sorted(beyond))}, which it lacks itself."
        )
    if caller.sites is not None and (sites is None or not caller.sites.issuperset(sites)):
        raise Forbidden(
            f"{caller.name} is bound to {', '.join(sorted(caller.sites))}, and so is what it gives out."
        )


def _fields(key: AccessKey, now: datetime) -> dict[str, Any]:
    return {
        "id": key.id,
        "name": key.name,
        "scopes": sorted(key.scopes),
        "sites": None if key.sites is None else list(key.sites),
        "state": key.state(now),
        "created_at": key.created_at,
        "created_by": key.created_by,
        "rotated_at": key.rotated_at,
        "former_until": key.former_until,
        "expires_at": key.expires_at,
        "revoked_at": key.revoked_at,
        "last_used_at": key.last_used_at,
    }
