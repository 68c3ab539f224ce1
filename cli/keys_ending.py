"""What `parking doctor` makes of the keys of the API: who will soon be refused."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from cli.finding import Finding
from parking.access_keys import AccessKey

SOON = timedelta(days=14)
FORGOTTEN = timedelta(days=30)
"""A key that ended longer ago than this is missed by nobody."""


def judge_keys(now: datetime, keys: Iterable[AccessKey]) -> list[Finding]:
    """A note for each key that ends soon or has just expired."""
    return [
        Finding(
            f"key {key.name}",
            None,
            f"{'expires' if key.expires_at > now else 'has expired'} on {key.expires_at:%Y-%m-%d %H:%M} UTC",
            f"If it is still needed: parking keys rotate {key.id} --expires 1y",
        )
        for key in keys
        if key.revoked_at is None and key.expires_at is not None and -FORGOTTEN < key.expires_at - now < SOON
    ]
