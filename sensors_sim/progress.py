"""How a run goes: one live line on a terminal, else a log line now and then."""

import sys
from collections import deque
from datetime import datetime
from types import TracebackType
from typing import Self

import structlog
from rich.console import Console
from rich.live import Live
from rich.text import Text

log = structlog.get_logger()

LOG_S = 10.0
"""Seconds between two log lines."""
_RATE_OVER = 10
"""The rate is that of the last so many looks."""


class Progress:
    """Shows messages, their rate and how full the city is. Use as a context manager."""

    def __init__(self, bays: int) -> None:
        self._bays = bays
        self._seen: deque[tuple[float, int]] = deque(maxlen=_RATE_OVER)
        self._logged_s = 0.0
        self._live: Live | None = None
        if sys.stderr.isatty():
            self._live = Live(console=Console(stderr=True), auto_refresh=False, transient=True)

    def __enter__(self) -> Self:
        if self._live:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live:
            self._live.stop()

    def show(self, *, sent: int, occupied: int, elapsed_s: float, town: datetime) -> None:
        """Tell how things stand `elapsed_s` seconds after the start, at `town`'s local time."""
        self._seen.append((elapsed_s, sent))
        (since, before), (until, after) = self._seen[0], self._seen[-1]
        rate = (after - before) / (until - since) if until > since else 0.0
        if self._live:
            line = (
                f"{town:%a %H:%M} in town · {sent:,} messages · {rate:,.0f}/s"
                f" · {occupied:,} of {self._bays:,} bays occupied"
            )
            self._live.update(Text(line), refresh=True)
        elif elapsed_s - self._logged_s >= LOG_S:
            self._logged_s = elapsed_s
            log.info(
                "simulating",
                town_time=f"{town:%a %H:%M}",
                messages=sent,
                per_second=round(rate, 1),
                occupied=occupied,
                bays=self._bays,
            )
