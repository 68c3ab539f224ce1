"""Charts of pages for staff: drawn as SVG on the server, so that they need no script and can be printed.

Each is told in words by its label, and its figures stand in a table beside it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

WIDTH: Final = 900
HEIGHT: Final = 220
_LEFT, _TOP, _BOTTOM = 58, 10, 26
MOST_LABELS: Final = 9
_LETTER: Final = 7.5
"""So wide is a letter of a label, more or less."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: where and how tall it is, and what it says; `height` 0 with `known` False where nothing is."""

    x: float
    y: float
    width: float
    height: float
    title: str
    known: bool


@dataclass(frozen=True, slots=True)
class Chart:
    """Bars over a scale; `scale` and `labels` are (place, text)."""

    bars: list[Bar]
    scale: list[tuple[float, str]]
    labels: list[tuple[float, str]]
    words: str
    width: int = WIDTH
    height: int = HEIGHT


def bar_chart(
    values: Sequence[float | None],
    names: Sequence[str],
    *,
    words: str,
    most: float | None = None,
    percent: bool,
) -> Chart:
    """Bars of these values (None: not known). `most` is the end of the scale; without it a round number."""
    top = (
        most
        if most is not None
        else round_up(max((value for value in values if value is not None), default=0))
    )
    room, floor = (WIDTH - _LEFT) / max(1, len(values)), HEIGHT - _BOTTOM
    tall = floor - _TOP
    bars = []
    for place, (value, name) in enumerate(zip(values, names, strict=True)):
        height = 0.0 if value is None or not top else tall * min(1.0, value / top)
        said = "not known" if value is None else _said(value, percent=percent)
        bars.append(
            Bar(
                round(_LEFT + place * room + 0.1 * room, 2),
                round(floor - height, 2),
                round(0.8 * room, 2),
                round(height, 2),
                f"{name}: {said}",
                value is not None,
            )
        )
    scale = [(round(floor - tall * part, 2), _said(top * part, percent=percent)) for part in (0.0, 0.5, 1.0)]
    fit = max(1, int((WIDTH - _LEFT) / (_LETTER * max(map(len, names), default=1) + 16)))
    step = max(1, -(-len(names) // min(MOST_LABELS, fit)))
    labels = [(round(_LEFT + (place + 0.5) * room, 2), names[place]) for place in range(0, len(names), step)]
    return Chart(bars, scale, labels, words)


def round_up(value: float) -> float:
    """The next of 1, 2, 5, 10, 20, 50, ... that is not less; 1 for nothing."""
    size = 1.0
    while size < value:
        for factor in (2.0, 2.5, 2.0):
            if size >= value:
                break
            size *= factor
    return size


def _said(value: float, *, percent: bool) -> str:
    if percent:
        return f"{100 * value:.0f} %"
    return f"{value:,.0f}" if value >= 10 or value == int(value) else f"{value:.1f}"
