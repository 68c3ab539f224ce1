"""Running counts as the API tells them, and counts by hand as it takes them."""

from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta
from pydantic import BaseModel, ConfigDict, Field

from api.bodies import Time
from parking.db.counts import Count, Recorded


class CorrectionBody(msgspec.Struct, frozen=True, kw_only=True):
    """A change of a count that no vehicle made."""

    id: int
    at: Annotated[datetime, Meta(tz=True, description="from when on the count is another")]
    made_at: Annotated[datetime, Meta(tz=True, description="when it was recorded")]
    rule: Annotated[
        str,
        Meta(
            description="manual, registry (how counting began), or the rule: below_zero, above_capacity,"
            " night_minimum, missed_exits, closure"
        ),
    ]
    before: int | None
    after: int
    reason: str


class NamedCorrectionBody(CorrectionBody, frozen=True, kw_only=True):
    """A correction, and who made it."""

    made_by: str
    superseded_at: Annotated[
        Time | None,
        Meta(description="when messages that came later showed that another correction was due instead"),
    ]


class CorrectionsBody(msgspec.Struct, frozen=True):
    """Corrections of one site, the latest first."""

    corrections: list[NamedCorrectionBody]


class DriftBody(msgspec.Struct, frozen=True, kw_only=True):
    """How far the count may be off, as estimated from nights, tokens and counts by hand."""

    sd: Annotated[float | None, Meta(description="standard deviation, vehicles; null before it is known")]
    missed_exits_share: Annotated[
        float | None, Meta(description="share of exits that no camera sees, net of entries")
    ]
    estimated_at: Annotated[Time | None, Meta(description="to the quarter of an hour")]


class CountsBody(msgspec.Struct, frozen=True, kw_only=True):
    """The running count of a gate-counted site. Outside 0..capacity it shows drift; it is never clamped."""

    site: str
    capacity: int
    count: int
    free_min: Annotated[int, Meta(ge=0, description="as published: two standard deviations of drift below")]
    free_max: Annotated[int, Meta(ge=0, description="as published: two standard deviations above")]
    revision: int
    entries_today: Annotated[int, Meta(ge=0, description="since midnight in the site's time zone")]
    exits_today: Annotated[int, Meta(ge=0)]
    drift: DriftBody
    last_correction: CorrectionBody | None
    as_of: Time


class CountWish(BaseModel):
    """So many vehicles were counted inside by a person."""

    model_config = ConfigDict(extra="forbid")

    vehicles: int = Field(ge=0, le=2_000_000, description="counted inside; at most twice the capacity")
    at: datetime | None = Field(None, description="when (RFC 3339; without an offset: UTC); now without it")
    reason: str = Field("", max_length=200, description="why the count was taken, for the record")


def counts_body(count: Count, last: Recorded | None) -> CountsBody:
    """The count as JSON."""
    return CountsBody(
        site=count.site_id,
        capacity=count.capacity,
        count=count.inside,
        free_min=count.free_min,
        free_max=count.free_max,
        revision=count.revision,
        entries_today=count.entries,
        exits_today=count.exits,
        drift=DriftBody(
            sd=None if count.sd is None else round(count.sd, 1),
            missed_exits_share=None if count.missed_share is None else round(count.missed_share, 4),
            estimated_at=count.kept_to,
        ),
        last_correction=None if last is None else _plain(last),
        as_of=count.as_of,
    )


def named(made: Recorded) -> NamedCorrectionBody:
    """The correction as those with a key see it."""
    return NamedCorrectionBody(
        id=made.correction_id,
        at=made.at,
        made_at=made.made_at,
        rule=made.rule,
        before=made.before,
        after=made.after,
        reason=made.reason,
        made_by=made.made_by,
        superseded_at=made.superseded_at,
    )


def _plain(made: Recorded) -> CorrectionBody:
    """The correction as everybody sees it: what a person wrote as their reason is theirs."""
    return CorrectionBody(
        id=made.correction_id,
        at=made.at,
        made_at=made.made_at,
        rule=made.rule,
        before=made.before,
        after=made.after,
        reason="" if made.rule == "manual" else made.reason,
    )
