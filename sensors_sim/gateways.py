"""Gateways that collect their sensors' frames for some seconds and publish them together."""

from sensors_sim.sensors import Report

BUNDLE_S = 3.0
"""A gateway holds frames for so long before it publishes them."""
BUNDLE_ENTRIES = 50
"""It publishes at once when it holds so many."""

Heard = tuple[float, Report]


class Gateways:
    """What each gateway holds: when each report was heard, and the report."""

    def __init__(self) -> None:
        self._held: dict[int, list[Heard]] = {}
        self._opened: dict[int, int] = {}
        self._bundles = 0

    def collect(self, gateway: int, report: Report, *, now: float) -> int | None:
        """Hold a report; the number of the bundle if this opens one, which is then due in BUNDLE_S."""
        held = self._held.setdefault(gateway, [])
        held.append((now, report))
        if len(held) > 1:
            return None
        self._bundles += 1
        self._opened[gateway] = self._bundles
        return self._bundles

    def is_full(self, gateway: int) -> bool:
        """Whether it must publish now."""
        return len(self._held[gateway]) >= BUNDLE_ENTRIES

    def release(self, gateway: int, bundle: int | None = None) -> list[Heard]:
        """What it holds; nothing if `bundle` is given and has already gone because it was full."""
        if bundle is not None and self._opened.get(gateway) != bundle:
            return []
        self._opened.pop(gateway, None)
        return self._held.pop(gateway, [])
