"""Which signs still ask over HTTP: written by the API, read for the maintenance list."""

from collections.abc import Sequence

from parking.db.connect import Connection, statement
from parking.db.records import columns
from parking.health.maintenance import SilentSign
from parking.sign_rules import SignRules, rules_of

LEAST_SILENCE_S = 300.0
SILENCE = 5
"""A sign is silent when it has not asked for this many times the time for which an answer is valid."""


async def note_polls(connection: Connection, polls: Sequence[tuple[str, float, str]]) -> None:
    """Signs that asked, how many seconds ago, and what they were told; and that polls were noted till now."""
    if polls:
        await connection.execute(statement("signs", "note_polls"), columns("sign_id age_s text", polls))
    await connection.execute(statement("signs", "noted"))


async def silent_signs(connection: Connection) -> list[SilentSign]:
    """The signs that have stopped asking; time in which nobody noted polls does not count."""
    cursor = await connection.execute(statement("signs", "polls"))
    silent = []
    for sign, details, site, site_name, polled_at, silent_s in await cursor.fetchall():
        limit_s = max(LEAST_SILENCE_S, SILENCE * rules_of(details, SignRules(), timezone="UTC").valid_s)
        if silent_s <= limit_s:
            continue
        at = details.get("location") or {}
        silent.append(
            SilentSign(
                sign=sign,
                name=details.get("name", sign),
                site=site,
                site_name=site_name,
                lon=at.get("lon"),
                lat=at.get("lat"),
                since=polled_at,
                reason=f"it has not asked since {polled_at:%Y-%m-%d %H:%M} UTC; it must every few seconds",
            )
        )
    return silent
