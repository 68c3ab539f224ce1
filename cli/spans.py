"""Spans of time as people write them: `90d`, `12h`."""

import re
from typing import Final

from parking.errors import InputError

UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800, "y": 31_557_600}
MOST_S: Final = 20 * UNITS["y"]


def span(
    field: str, text: str, *, bare: str | None = None, least_s: float = 1, most_s: float = MOST_S
) -> float:
    """Seconds of `90d`, `12h`, `30m`; with a unit `bare`, of a number alone too.

    Raises InputError that names the field and the rule.
    """
    match = re.fullmatch(r"([0-9]{1,9})([smhdwy]?)", text.strip())
    unit = (match[2] or bare) if match else None
    seconds = int(match[1]) * UNITS[unit] if match and unit else -1
    if not least_s <= seconds <= most_s:
        alone = "" if bare is None else f", or be a number of {_NAMES[bare]}"
        raise InputError(
            f"{field}: must look like 30m, 12h, 90d, 4w or 1y{alone}; {_words(least_s)} to {_words(most_s)}"
            f" (found {text!r:.40})"
        )
    return float(seconds)


_NAMES: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def _words(seconds: float) -> str:
    """In the largest unit that says it exactly."""
    for unit in ("y", "d", "h", "m"):
        if seconds and seconds % UNITS[unit] == 0:
            return f"{seconds / UNITS[unit]:g}{unit}"
    return f"{seconds:g}s"
