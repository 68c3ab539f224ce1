"""The chance of a space on arrival from what is foretold of a site, where anything is."""

from typing import Final

from parking.chance import DWELL_MIN, Asked, Chance, Chances, some_free
from parking.outlook import Forecasts, Outlook, OutlookPoint

_BASES: Final = {
    "similar_sites": ", as at places like it",
    "little_history": ", with little to go by",
    "usual": ", as is usual then",
    "current_count": ", with little to go by",
}


class ForecastChances:
    """Asks the forecast, and for what it does not reach (the next five minutes) or know, the plain rule.

    The forecast is of all spaces of a site. Of some of them (a category; those that are known) it says how
    full they will be, and the plain rule does the rest.
    """

    def __init__(self, forecasts: Forecasts, plain: Chances) -> None:
        self._forecasts = forecasts
        self._plain = plain

    def chance(self, asked: Asked) -> Chance | None:
        """The chance at one site; None where none of its spaces is known."""
        outlook = self._forecasts.of(asked.site)
        point = None if outlook is None else outlook.at(asked.arrival)
        known = asked.vacant + asked.occupied
        if outlook is None or point is None or not known or not outlook.capacity:
            return self._plain.chance(asked)
        if known == outlook.capacity:
            return Chance(point.chance, point.chance, _all(outlook, point))
        full = 1 - point.free / outlook.capacity
        low = _some(asked, asked.vacant, full)
        high = low if not asked.unknown else _some(asked, asked.vacant + asked.unknown, full)
        if known + asked.unknown == outlook.capacity:
            return Chance(min(low, point.chance), max(high, point.chance), _all(outlook, point))
        return Chance(low, high, f"some {round(100 * full)} % of all spaces taken then{_how(outlook)}")


def _some(asked: Asked, vacant: int, full: float) -> float:
    dwell = DWELL_MIN.get(asked.kind, DWELL_MIN["off_street"])
    return some_free(
        vacant=vacant, occupied=asked.occupied, minutes=asked.minutes, dwell_min=dwell, usually=full
    )


def _all(outlook: Outlook, point: OutlookPoint) -> str:
    """What is expected, in words."""
    low, high = round(point.low), round(point.high)
    expected = f"{low}" if low == high else f"{low} to {high}"
    return f"{expected} free expected then{_how(outlook)}"


def _how(outlook: Outlook) -> str:
    return _BASES.get(outlook.basis, "") if outlook.trusted else ", if it stays as it is now"
