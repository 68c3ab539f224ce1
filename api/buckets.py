"""Token buckets by name, in memory, each no more than one number; and only so many of them."""

import time
from collections.abc import Callable
from typing import Final

MOST: Final = 100_000
"""Names that are told apart; 10 MB. When so many are not full, further ones share a bucket."""
_SHARED: Final = ""
_SWEEP_S: Final = 1.0


class Buckets:
    """Each holds `burst` tokens and gets `per_s` a second. 0 per second: no limit.

    Kept as the time at which a bucket will be full again (the generic cell rate algorithm), so one that is
    full need not be kept at all.
    """

    def __init__(
        self,
        *,
        per_s: float,
        burst: int,
        most: int = MOST,
        elapsed: Callable[[], float] = time.monotonic,
    ) -> None:
        self._interval = 1 / per_s if per_s else 0.0
        self._depth = burst * self._interval
        self._most = most
        self._elapsed = elapsed
        self._full_at: dict[str, float] = {}
        self._swept_at = float("-inf")

    def __len__(self) -> int:
        return len(self._full_at)

    def take(self, name: str) -> float:
        """Take a token: 0, or the seconds until there is one."""
        now = self._elapsed()
        full_at = self._full_at.get(name)
        if full_at is None:
            if len(self._full_at) >= self._most:
                name = self._make_room(name, now)
                full_at = self._full_at.get(name, now)
            else:
                full_at = now
        elif full_at < now:
            full_at = now
        full_at += self._interval
        wait = full_at - self._depth - now
        if wait > 0:
            return wait
        self._full_at[name] = full_at
        return 0.0

    def empty(self, name: str) -> bool:
        """Whether the bucket has no token now."""
        now = self._elapsed()
        return max(self._full_at.get(name, now), now) + self._interval - self._depth > now

    def _make_room(self, name: str, now: float) -> str:
        """Forget the buckets that are full; where there is no room even so, the name is the shared one."""
        if now - self._swept_at >= _SWEEP_S:
            self._swept_at = now
            self._full_at = {other: at for other, at in self._full_at.items() if at > now}
        return name if len(self._full_at) < self._most else _SHARED
