"""What can be asked of a simulated city."""

from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from parking.errors import SettingsError
from sensors_sim.faults import Faults

DAY_S = 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """One run. `start` is the town's local time at its beginning; None: see `town_start`.

    `duration_s` counts wall seconds, `days` city days; without either the run goes on until it is stopped.
    """

    seed: int = 1
    bays: int = 500
    sites: int = 12
    speed: float = 1.0
    start: datetime | None = None
    duration_s: float | None = None
    days: float | None = None
    heartbeat_s: float = 900.0
    connections: int = 2
    boot: int | None = None
    ledger: Path | None = None
    faults: Faults = field(default_factory=Faults)

    def __post_init__(self) -> None:
        problems = [
            ("sites", self.sites >= 1, "at least 1"),
            ("bays", self.bays >= 0, "0 or more"),
            ("speed", 0 < self.speed <= 100_000, "above 0, at most 100000"),
            ("heartbeat", 1 <= self.heartbeat_s <= 7 * DAY_S, "1 to 604800 seconds"),
            ("connections", 1 <= self.connections <= 64, "1 to 64"),
            ("boot", self.boot is None or 0 <= self.boot <= 255, "0 to 255"),
            ("duration", self.duration_s is None or self.duration_s > 0, "more than 0"),
            ("days", self.days is None or self.days > 0, "more than 0"),
            ("days", self.days is None or self.duration_s is None, "given without duration"),
        ]
        for name, fine, rule in problems:
            if not fine:
                raise SettingsError(f"--{name} must be {rule}")

    @property
    def horizon_s(self) -> float | None:
        """Wall seconds of the run, if it is to end by itself."""
        if self.days is not None:
            return self.days * DAY_S / self.speed
        return self.duration_s

    def town_start(self, now: datetime) -> datetime:
        """The town's clock at the start: `now` in real time, else eight in the morning of that day."""
        if self.start is not None:
            return self.start
        local = now.replace(tzinfo=None)
        return local if self.speed == 1 else local.replace(hour=8, minute=0, second=0, microsecond=0)

    def document(self) -> dict[str, Any]:
        """For the ledger."""
        return asdict(self) | {"ledger": None, "start": self.start.isoformat() if self.start else None}
