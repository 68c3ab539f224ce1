"""Draws the errors by horizon and method as an SVG picture: bars, no library needed."""

from collections.abc import Sequence
from typing import Final
from xml.sax.saxutils import escape

from parking.backtest.replay import METHODS
from parking.backtest.scores import Card

_WIDTH, _HEIGHT = 860, 420
_LEFT, _TOP, _FLOOR = 56, 84, 364
_COLOURS: Final = ("#0b5fa5", "#b0b7bd", "#8a949c", "#d2a24c", "#c05a3c")


def draw(cards: Sequence[Card], *, title: str) -> str:
    """An SVG of the mean absolute errors of one result, horizon by horizon."""
    shown = [card for card in cards if card.n]
    top = _round_up(max(score.mae for card in shown for score in card.scores))
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" '
        'font-family="sans-serif" font-size="12">',
        f"<title>Mean absolute error of forecasts, {escape(title)}</title>",
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="white"/>',
        f'<text x="{_LEFT}" y="24" font-size="15">{escape(title)}: mean absolute error, % of capacity</text>',
        *_legend(),
        *_grid(top),
    ]
    room = (_WIDTH - _LEFT - 20) / len(shown)
    for number, card in enumerate(shown):
        parts += _group(card, left=_LEFT + number * room, room=room, top=top)
    return "\n".join([*parts, "</svg>"]) + "\n"


def _legend() -> list[str]:
    parts, left = [], float(_LEFT)
    for method, colour in zip(METHODS, _COLOURS, strict=True):
        parts.append(f'<rect x="{left:.0f}" y="42" width="11" height="11" fill="{colour}"/>')
        parts.append(f'<text x="{left + 16:.0f}" y="52">{escape(method)}</text>')
        left += 34 + 6.6 * len(method)
    return parts


def _grid(top: float) -> list[str]:
    parts = []
    for step in range(5):
        y = _FLOOR - step * (_FLOOR - _TOP) / 4
        parts.append(f'<line x1="{_LEFT}" x2="{_WIDTH - 20}" y1="{y:.1f}" y2="{y:.1f}" stroke="#dddddd"/>')
        parts.append(f'<text x="{_LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{top * step / 4:g}</text>')
    return parts


def _group(card: Card, *, left: float, room: float, top: float) -> list[str]:
    wide = room * 0.84 / len(METHODS)
    parts = []
    for number, (score, colour) in enumerate(zip(card.scores, _COLOURS, strict=True)):
        high = score.mae / top * (_FLOOR - _TOP)
        x = left + room * 0.08 + number * wide
        parts.append(
            f'<rect x="{x:.1f}" y="{_FLOOR - high:.1f}" width="{wide * 0.9:.1f}" height="{high:.1f}" '
            f'fill="{colour}"/>'
        )
        parts.append(
            f'<text x="{x + wide * 0.45:.1f}" y="{_FLOOR - high - 4:.1f}" text-anchor="middle" '
            f'font-size="10">{score.mae:.1f}</text>'
        )
    middle = left + room / 2
    parts.append(f'<text x="{middle:.1f}" y="{_FLOOR + 18}" text-anchor="middle">{_ahead(card)}</text>')
    parts.append(f'<text x="{middle:.1f}" y="{_FLOOR + 34}" text-anchor="middle">n = {card.n}</text>')
    return parts


def _ahead(card: Card) -> str:
    minutes = card.horizon_s // 60
    return f"{minutes} min" if minutes % 60 or minutes < 120 else f"{minutes // 60} h"


def _round_up(value: float) -> float:
    """The next round number, for the top of the scale."""
    for step in (0.4, 1, 2, 4, 8, 12, 16, 20, 28, 40):
        if value <= step:
            return float(step)
    return 100.0
