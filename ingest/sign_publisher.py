"""Publishes what each sign shows as a retained message, again before it runs out."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec

from firmware_protocol import topics
from ingest.clock import Clock
from ingest.source import Source
from parking.sign_rules import SignRules
from parking.signs import Decision, SignMessage, message_of

LOOK_S = 0.1
"""How often to see what is to be published."""


def _never(_: datetime) -> None:
    return None


@dataclass(frozen=True, slots=True)
class Shown:
    """What one sign shows, the topic of its message, and when it is known to change, asked at a time."""

    topic: str
    decision: Decision
    rules: SignRules
    changes_at: Callable[[datetime], datetime | None] = _never


class SignPublisher:
    """Holds what every sign shows; a message is published when it changes and after its `poll_after_s`.

    A message says until when it is valid, so that what a dead ingestor has left at the broker ends by itself.
    """

    def __init__(self, source: Source, clock: Clock) -> None:
        self._source = source
        self._clock = clock
        self._shown: dict[str, Shown] = {}
        # What was published, and until when it need not be again, by the clock of `publish`.
        self._sent: dict[str, tuple[Decision, float]] = {}
        self._gone: set[str] = set()
        self._generation = 0

    def offer(self, shown: Mapping[str, Shown]) -> None:
        """All signs as they are now; nothing (an empty mapping) when somebody else publishes them."""
        topics_now = {one.topic for one in shown.values()}
        if shown:
            self._gone |= {one.topic for one in self._shown.values()} - topics_now
        self._gone -= topics_now
        self._shown = dict(shown)
        self._sent = {sign: sent for sign, sent in self._sent.items() if sign in shown}

    async def run(self) -> None:
        """Publish for as long as the task lives."""
        loop = asyncio.get_running_loop()
        while True:
            self.publish(loop.time())
            await asyncio.sleep(LOOK_S)

    def publish(self, time_s: float) -> None:
        """Publish what is due at this time of a monotonic clock; what the broker does not take stays due."""
        if self._source.connected and self._source.generation != self._generation:
            self._generation = self._source.generation
            self._sent.clear()
        for topic in list(self._gone):
            if not self._source.publish(topic, b"", retain=True):
                return
            self._gone.discard(topic)
        for sign, shown in self._shown.items():
            sent = self._sent.get(sign)
            if sent is not None and _same(sent[0], shown.decision) and time_s < sent[1]:
                continue
            now = self._clock.now()
            message = message_of(
                sign, shown.decision, now=now, rules=shown.rules, changes_at=shown.changes_at(now)
            )
            if not self._source.publish(shown.topic, encode(message), retain=True):
                return
            self._sent[sign] = shown.decision, time_s + message.poll_after_s


def topic_of(site: str, sign: str) -> str:
    """Where a sign's message is."""
    return str(topics.sign(site, sign))


def encode(message: SignMessage) -> bytes:
    """The payload of `parking/v1/{site}/sign/{sign}`: as `GET /v1/signs/{sign}` answers."""
    fields = {name: getattr(message, name) for name in SignMessage.__dataclass_fields__}
    fields["valid_until"] = message.valid_until.astimezone(UTC)
    return msgspec.json.encode(fields)


def _same(one: Decision, other: Decision) -> bool:
    return (one.text, one.why, one.revision) == (other.text, other.why, other.revision)
