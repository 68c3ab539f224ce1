"""Spans of time as people write them: `90d`, `12h`."""

import re
from typing import Final

from parking.errors import AccessError

UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800, "y": 31_557_600}
MOST_S: Final = 20 * UNITS["y"]


def span(field: str, text: str, *, least_s: float = 1) -> float:
    """Seconds of `90d`, `12h`, `30m`. Raises AccessError that names the field."""
    match = re.fullmatch(r"(\d{1,9})([smhdwy])", text)
    seconds = int(match[1]) * UNITS[match[2]] if match else -1
    if not least_s <= seconds <= MOST_S:
        raise AccessError(
            f"{field}: must look like 30m, 12h, 90d, 4w or 1y, at most 20y (found {text!r:.40})"
        )
    return float(seconds)
