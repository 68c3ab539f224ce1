"""What signs show, as it was decided and written down: read by every API process, written by one ingestor."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec

from parking.db.connect import Connection, statement
from parking.db.records import columns
from parking.db.sites import payloads
from parking.sign_rules import Override
from parking.signs import Decision, LineMemory, Memory

DECIDED_WITHIN_S = 10.0
"""What one ingestor decided is recalled for so long after it last looked at all signs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignFacts:
    """What the registry says of a sign: the sites of which it tells, and `settings` for `sign_rules`."""

    id: str
    sites: tuple[str, ...]
    name: str | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    timezone: str = "UTC"

    @property
    def listed_under(self) -> str | None:
        """The site in whose topics its message is."""
        site: str | None = self.settings.get("listed_under", self.sites[0] if self.sites else None)
        return site


@dataclass(frozen=True, slots=True, kw_only=True)
class SignState:
    """A sign's last decision, empty if there is none, and the override that holds or held last."""

    sign: str
    text: str | None = None
    why: str | None = None
    memory: Memory = field(default_factory=dict)
    override: Override | None = None


async def hold(connection: Connection) -> bool:
    """Become the one process that decides, for as long as the connection lives."""
    return await (await connection.execute(statement("signs", "hold"))).fetchone() == (True,)


async def load_sign_facts(connection: Connection) -> list[SignFacts]:
    """All signs of the registry."""
    cursor = await connection.execute(statement("signs", "facts"))
    return [
        SignFacts(
            id=sign,
            sites=tuple(sites),
            name=details.get("name"),
            settings=details,
            timezone=timezone or "UTC",
        )
        for sign, sites, details, timezone in await cursor.fetchall()
    ]


async def load_sign_states(connection: Connection, signs: Sequence[str] | None = None) -> list[SignState]:
    """The states of these signs, or of all that have any."""
    cursor = await connection.execute(
        statement("signs", "states"), {"signs": None if signs is None else list(signs)}
    )
    return [_state(*row) for row in await cursor.fetchall()]


async def store_decisions(
    connection: Connection,
    decisions: Mapping[str, Decision],
    told: Sequence[str],
    *,
    now: datetime,
) -> None:
    """Write down decisions; those of the signs `told` are news to these. One transaction."""
    rows = [(sign, one.text, one.why.value, _written(one.memory)) for sign, one in sorted(decisions.items())]
    messages = [
        (
            sign,
            decisions[sign].text,
            decisions[sign].why.value,
            decisions[sign].reason,
            decisions[sign].revision,
        )
        for sign in sorted(told)
    ]
    async with connection.transaction():
        if rows:
            values = columns("sign_id text why memory", rows)
            await connection.execute(statement("signs", "remember"), {**values, "now": now})
        if messages:
            values = columns("sign_id text why reason revision", messages)
            await connection.execute(statement("signs", "tell"), {**values, "now": now})
        await connection.execute(statement("signs", "decided"), {"now": now})
        for payload in payloads(sorted(decisions)):
            await connection.execute(statement("signs", "notify"), (payload,))


async def forget_messages(connection: Connection, *, before: datetime) -> int:
    """Remove what signs were told before a time, some of it; how many rows."""
    return (await connection.execute(statement("signs", "forget"), {"before": before})).rowcount


def _written(memory: Memory) -> str:
    return msgspec.json.encode(memory).decode()


def _state(
    sign: str, text: str | None, why: str | None, memory: Any, set_text: str | None, *override: Any
) -> SignState:
    set_by = None
    if set_text is not None:
        until, reason, made_by, made_at = override
        set_by = Override(text=set_text, until=until, reason=reason, made_by=made_by, made_at=made_at)
    lines = msgspec.convert(memory or {}, dict[str, LineMemory])
    return SignState(sign=sign, text=text, why=why, memory=lines, override=set_by)
