"""Closures of sites as the API tells them and takes wishes for them."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from api.bodies import Time
from parking.db.opening import MAX_REASON, Closure
from parking.errors import Fault
from parking.registry import faults_of
from parking.registry_parts import Name, Text
from parking.registry_things import merged, refused

_FIXED = ("id", "site", "made_by", "made_at")


class ClosureBody(msgspec.Struct, frozen=True, kw_only=True, rename={"from_at": "from", "until_at": "until"}):
    """A time in which a site is closed whatever its opening hours say."""

    id: int
    site: str
    from_at: Time
    until_at: Annotated[Time | None, Meta(description="null: until somebody ends it")]
    reason: str
    made_by: str
    made_at: Time


class ClosuresBody(msgspec.Struct, frozen=True):
    """Closures, the earliest first; `next` is the `cursor` of those after these, null at the end."""

    closures: list[ClosureBody]
    next: str | None


class ClosureWish(BaseModel):
    """A closure to be made."""

    model_config = ConfigDict(extra="forbid")

    site: Name
    from_at: AwareDatetime | None = Field(None, alias="from", description="now unless given")
    until_at: AwareDatetime | None = Field(None, alias="until", description="null: until somebody ends it")
    reason: Text = Field(max_length=MAX_REASON, description="for people; drivers may read it")


def patched(closure: Closure, patch: Any) -> ClosureWish:
    """What a merge patch (RFC 7396) makes of a closure. Raises RegistryError, which names each field."""
    if not isinstance(patch, dict):
        raise refused("closure", Fault("body", None, "a merge patch is a JSON object"))
    before = closure_document(closure)
    after = merged(before, patch)
    fixed = [name for name in _FIXED if after.get(name) != before[name]]
    if fixed:
        faults = (Fault(name, str(patch[name])[:60], f"stays {before[name]}") for name in fixed)
        raise refused("closure", *faults)
    return wished({name: value for name, value in after.items() if name == "site" or name not in _FIXED})


def wished(document: dict[str, Any]) -> ClosureWish:
    """A closure as it is wished. Raises RegistryError, which names each field."""
    try:
        return ClosureWish.model_validate(document)
    except ValidationError as error:
        raise refused("closure", *faults_of({}, error)) from error


def closure_document(closure: Closure) -> dict[str, Any]:
    """The closure as it is told, member by member."""
    document: dict[str, Any] = msgspec.to_builtins(closure_body(closure))
    return document


def closure_body(closure: Closure) -> ClosureBody:
    """The closure as JSON."""
    return ClosureBody(
        id=closure.closure_id,
        site=closure.site_id,
        from_at=closure.from_at,
        until_at=closure.until_at,
        reason=closure.reason,
        made_by=closure.made_by,
        made_at=closure.made_at,
    )


def closures_body(found: list[Closure], *, after: str | None, limit: int) -> ClosuresBody:
    """A page of at most `limit`, those after the closure with the id `after`; all if there is none such."""
    places = [number for number, closure in enumerate(found, 1) if str(closure.closure_id) == after]
    rest = found[places[0] :] if places else found
    more = str(rest[limit - 1].closure_id) if len(rest) > limit else None
    return ClosuresBody([closure_body(closure) for closure in rest[:limit]], more)
