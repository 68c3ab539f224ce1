"""Webhooks as the API tells them and takes wishes for them."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta
from pydantic import BaseModel, ConfigDict, Field

from api.bodies import Time
from parking.webhooks import EVERY_S, Event, Message, Webhook, secret_text


class WebhookBody(msgspec.Struct, frozen=True, kw_only=True):
    """A webhook without its secret."""

    id: str
    name: str
    url: str
    events: list[Event]
    sites: Annotated[list[str] | None, Meta(description="only changes of these sites; null for all")]
    every_s: Annotated[int, Meta(description="least seconds between two numbers of one site")]
    state: Annotated[str, Meta(description="well, failing or paused")]
    created_at: Time
    created_by: str
    former_until: Annotated[Time | None, Meta(description="till then the former secret signs as well")]
    paused_at: Time | None
    paused_why: str | None
    failing_since: Annotated[Time | None, Meta(description="since when nothing has arrived")]
    delivered_at: Annotated[Time | None, Meta(description="when a message last arrived")]
    waiting: Annotated[int, Meta(description="messages that have not arrived yet")]


class NewWebhookBody(WebhookBody, frozen=True, kw_only=True):
    """A webhook with the secret that its messages are signed with."""

    secret: Annotated[str, Meta(description="for the receiver to check signatures with; not told again")]


class WebhooksBody(msgspec.Struct, frozen=True):
    """All webhooks by name."""

    webhooks: list[WebhookBody]


class MessageBody(msgspec.Struct, frozen=True, kw_only=True):
    """A message, on its way or ended."""

    id: str
    event: str
    site: str
    made_at: Time
    tries: int
    next_try_at: Annotated[Time | None, Meta(description="null: it has ended")]
    ended_at: Time | None
    outcome: Annotated[str | None, Meta(description="what the last try came to, in words")]


class MessagesBody(msgspec.Struct, frozen=True):
    """Messages of one webhook, the newest first; ended ones are kept for seven days."""

    messages: list[MessageBody]


class PingBody(msgspec.Struct, frozen=True):
    """The message that tries a webhook; its outcome is among the webhook's messages."""

    message_id: str


class WebhookWish(BaseModel):
    """A webhook to be made."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(max_length=100, description="who is told: a department or a program")
    url: str = Field(max_length=2000, description="https://host/path that takes a POST")
    events: list[Event] = Field(min_length=1, max_length=len(Event))
    sites: list[str] | None = Field(None, max_length=1000, description="only changes of these sites")
    every_s: int = Field(
        EVERY_S, ge=1, le=86_400, description="least seconds between two numbers of one site"
    )


class SecretWish(BaseModel):
    """How a webhook gets a new secret."""

    model_config = ConfigDict(extra="forbid")

    overlap_hours: float = Field(24, ge=0, le=24 * 30, description="so long the former secret signs as well")


class PauseWish(BaseModel):
    """Why a webhook is paused."""

    model_config = ConfigDict(extra="forbid")

    why: str = Field("by hand", min_length=1, max_length=500)


def webhook_body(webhook: Webhook) -> WebhookBody:
    """The webhook as JSON."""
    return WebhookBody(**_fields(webhook))


def new_webhook_body(webhook: Webhook, secret: bytes) -> NewWebhookBody:
    """The webhook as JSON, with its secret."""
    return NewWebhookBody(secret=secret_text(secret), **_fields(webhook))


def message_body(message: Message) -> MessageBody:
    """The message as JSON."""
    return MessageBody(
        id=message.id,
        event=message.event,
        site=message.site,
        made_at=message.made_at,
        tries=message.tries,
        next_try_at=message.next_try_at,
        ended_at=message.ended_at,
        outcome=message.outcome,
    )


def _fields(webhook: Webhook) -> dict[str, Any]:
    names = (name for name in WebhookBody.__struct_fields__ if name not in ("events", "sites"))
    return {
        **{name: getattr(webhook, name) for name in names},
        "events": sorted(webhook.events),
        "sites": None if webhook.sites is None else list(webhook.sites),
    }
