"""Values of the registry as people type them: each way to write one, and back."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

BLANK: Final = "(blank)"
"""Typed for a word of a sign that shows nothing: an empty field means the usual word."""


@dataclass(frozen=True, slots=True)
class Way:
    """`tell` makes text of a value, `read` a value of text that is not empty; it raises ValueError.

    `say` makes words for people of what stands in the field, also of nothing. The rest says what field it is.
    """

    tell: Callable[[Any], str]
    read: Callable[[str], Any]
    lines: bool = False
    decimal: bool = False
    whole: bool = False
    time: bool = False
    say: Callable[[str], str] = str


def _whole(text: str) -> int:
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 9):
        raise ValueError("must be a whole number, such as 120")
    return int(text)


def _number(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ValueError("must be a number, such as 2.1")
    return value


def _tell_number(value: float) -> str:
    return repr(int(value)) if value == int(value) else repr(value)


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def _read_entrances(text: str) -> list[dict[str, Any]]:
    return [_read_entrance(line) for line in _lines(text)]


def _read_entrance(line: str) -> dict[str, Any]:
    lat, _, rest = line.partition(",")
    lon, _, name = rest.partition(",")
    try:
        point: dict[str, Any] = {"lon": _number(lon), "lat": _number(lat)}
    except ValueError:
        raise ValueError(
            f"must be latitude, longitude and perhaps a name on each line, such as "
            f"51.4816, -3.1791, North gate (found {line[:60]!r})"
        ) from None
    return point | ({"name": name.strip()} if name.strip() else {})


def _tell_entrances(value: list[dict[str, Any]]) -> str:
    return "\n".join(
        ", ".join([repr(one["lat"]), repr(one["lon"]), *([one["name"]] if one.get("name") else [])])
        for one in value
    )


def _read_pairs(text: str, example: str) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for line in _lines(text):
        name, colon, value = (part.strip() for part in line.partition(":"))
        if not (name and colon):
            raise ValueError(
                f"must be a name, a colon and a value on each line, such as {example} (found {line[:60]!r})"
            )
        if name in pairs:
            raise ValueError(f"{name!r} is there twice")
        pairs[name] = value
    return pairs


def _tell_pairs(value: dict[str, Any]) -> str:
    return "\n".join(f"{name}: {each}" for name, each in value.items())


def _read_numbers(text: str) -> dict[str, int]:
    found = _read_pairs(text, "disabled: 12")
    try:
        return {name: _whole(number) for name, number in found.items()}
    except ValueError:
        raise ValueError("must have a whole number behind each colon, such as disabled: 12") from None


def _read_schedule(text: str) -> list[dict[str, str]]:
    found = []
    for line in _lines(text):
        hours, _, word = (part.strip() for part in line.partition("|"))
        found.append({"hours": hours, **({"text": word} if word else {})})
    return found


def _tell_schedule(value: list[dict[str, str]]) -> str:
    return "\n".join(f"{one['hours']} | {one['text']}" if one.get("text") else one["hours"] for one in value)


TEXT: Final = Way(str, str)
WHOLE: Final = Way(str, _whole, whole=True)
NUMBER: Final = Way(_tell_number, _number, decimal=True)
YES: Final = Way(lambda value: "yes" if value else "", lambda text: text == "yes")
YES_OR_NO: Final = Way(lambda value: "yes" if value else "no", lambda text: text == "yes")
WORD: Final = Way(lambda value: value or BLANK, lambda text: "" if text == BLANK else text)
LINES: Final = Way("\n".join, _lines, lines=True)
ENTRANCES: Final = Way(_tell_entrances, _read_entrances, lines=True)
NUMBERS: Final = Way(_tell_pairs, _read_numbers, lines=True)
LABELS: Final = Way(_tell_pairs, lambda text: _read_pairs(text, "castle-mews: CASTLE"), lines=True)
SCHEDULE: Final = Way(_tell_schedule, _read_schedule, lines=True)
