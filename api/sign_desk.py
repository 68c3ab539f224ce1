"""Overrides and histories of signs as the API tells them, and takes wishes for them."""

from typing import Annotated

import msgspec
from msgspec import Meta
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from api.bodies import Time
from parking.db.sign_overrides import LONGEST, MAX_REASON, SHORTEST, History
from parking.sign_rules import Mode, Override


class OverrideWish(BaseModel):
    """What a sign is to show instead, and until when: `show` or `text`, `until` or `for_s`."""

    model_config = ConfigDict(extra="forbid")

    show: Mode | None = Field(None, description="blank, full, closed or test, in the sign's own words")
    text: str | None = Field(None, max_length=40, description="or one of the words that the sign has")
    until: AwareDatetime | None = Field(None, description="RFC 3339, with its offset from UTC")
    for_s: int | None = Field(
        None, ge=SHORTEST.seconds, le=LONGEST.days * 86_400, description="or for so many seconds"
    )
    reason: str = Field(min_length=1, max_length=MAX_REASON, description="for the public and for the record")

    @model_validator(mode="after")
    def _one_of_each(self) -> "OverrideWish":
        if (self.show is None) is (self.text is None):
            raise ValueError("give `show` or `text`, and not both")
        if (self.until is None) is (self.for_s is None):
            raise ValueError("give `until` or `for_s`, and not both")
        if self.show is Mode.AUTO:
            raise ValueError("show: auto is what a sign does without an override: DELETE it")
        return self

    @property
    def shown(self) -> str | Mode:
        """The text, or the mode that shows it."""
        return self.text if self.show is None else self.show  # type: ignore[return-value]


class OverrideBody(msgspec.Struct, frozen=True, kw_only=True):
    """What an operator has set on a sign."""

    sign: str
    text: str
    until: Time
    reason: str
    made_by: str
    made_at: Time


class ToldBody(msgspec.Struct, frozen=True, kw_only=True):
    """One change of what a sign was told."""

    id: int
    told_at: Time
    text: str
    why: str
    reason: str
    revision: int


class LastPoll(msgspec.Struct, frozen=True):
    """When the sign last asked over HTTP, to some seconds, and what it was told then."""

    at: Time
    text: str


class HistoryBody(msgspec.Struct, frozen=True, kw_only=True):
    """What a sign was told, the newest first. `next` is the `before` of the next page, null on the last."""

    sign: str
    messages: list[ToldBody]
    next: int | None
    last_poll: Annotated[LastPoll | None, Meta(description="null for a sign that has never asked over HTTP")]
    override: OverrideBody | None


def override_body(sign: str, override: Override) -> OverrideBody:
    """The override as JSON."""
    return OverrideBody(
        sign=sign,
        text=override.text,
        until=override.until,
        reason=override.reason,
        made_by=override.made_by,
        made_at=override.made_at,
    )


def history_body(sign: str, history: History, *, limit: int) -> HistoryBody:
    """The history as JSON."""
    messages = [
        ToldBody(
            id=one.message_id,
            told_at=one.told_at,
            text=one.text,
            why=one.why,
            reason=one.reason,
            revision=one.revision,
        )
        for one in history.messages
    ]
    poll = None if history.polled_at is None else LastPoll(history.polled_at, history.polled_text or "")
    return HistoryBody(
        sign=sign,
        messages=messages,
        next=messages[-1].id if len(messages) == limit else None,
        last_poll=poll,
        override=None if history.override is None else override_body(sign, history.override),
    )
