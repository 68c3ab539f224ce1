"""Why a site stands where it does among those nearby, in a sentence."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What is known of the spaces that would do, `age_s` ago, and how far they are in minutes.

    `kinds` names the categories asked for, empty for any; `closed` is why the site is closed, empty if not.
    """

    vacant: int
    occupied: int
    unknown: int
    age_s: float
    stale: bool
    walk_min: int
    arrives_in_min: int = 0
    kinds: str = ""
    closed: str = ""
    forecast: str | None = None


def reason(seen: Seen) -> str:
    """The sentence."""
    walk = (
        ""
        if seen.walk_min < 1
        else f"; {_count(seen.walk_min, 'minute')}' walk".replace("minute' ", "minute's ")
    )
    if seen.closed:
        return seen.closed[0].upper() + seen.closed[1:] + walk
    if seen.stale:
        return f"Not known: no news for {_age(seen.age_s)}; then {_spaces(seen)}{walk}"
    when = f", seen {_age(seen.age_s)} ago" if seen.age_s >= 1 else ", seen just now"
    told = f"; {seen.forecast}" if seen.forecast else ""
    return f"{_spaces(seen)}{when}{_later(seen)}{told}{walk}"


def _later(seen: Seen) -> str:
    """When the driver arrives, and that the numbers of now say little of a time far from it."""
    hours, minutes = divmod(seen.arrives_in_min, 60)
    parts = [_count(number, name) for number, name in ((hours, "hour"), (minutes, "minute")) if number]
    if not parts:
        return ""
    guess = ", for which nothing is foretold" if hours and not seen.forecast else ""
    return f"; you arrive in {' '.join(parts)}{guess}"


def _spaces(seen: Seen) -> str:
    kind = f"{seen.kinds} " if seen.kinds else ""
    total = seen.vacant + seen.occupied + seen.unknown
    if total and seen.unknown == total:
        return f"None of {total} {kind}spaces reports"
    unknown = f", {seen.unknown} not known" if seen.unknown else ""
    if not seen.vacant:
        return f"None of {total} {kind}spaces is known to be free{unknown}"
    return f"{seen.vacant} {kind}free of {total}{unknown}"


def _age(seconds: float) -> str:
    if seconds < 100:
        return f"{round(seconds)} s"
    if seconds < 100 * 60:
        return f"{round(seconds / 60)} minutes"
    return f"{round(seconds / 3600)} hours"


def _count(number: int, name: str) -> str:
    return f"{number} {name}" if number == 1 else f"{number} {name}s"
