"""The plots of a monthly report, as drawings that become SVG on the page and vectors in the PDF."""

from base64 import b64encode
from collections.abc import Sequence

from reportlab.graphics import renderSVG
from reportlab.graphics.shapes import Drawing, Line, Rect, String
from reportlab.lib.colors import Color, HexColor, white

from parking.reporting.dwell import Dwell
from parking.reporting.report import WEEKDAYS, Profile, Utilisation

WIDTH, HEIGHT = 480.0, 170.0
INK, BAR, FAINT = HexColor("#0b0c0c"), HexColor("#1d70b8"), HexColor("#b1b4b6")
_LEFT, _BOTTOM, _TOP = 34.0, 22.0, 8.0
_SIZE = 7.5


def svg(drawing: Drawing) -> str:
    """A drawing as the address of an image that holds it."""
    text = renderSVG.drawToString(drawing)
    return f"data:image/svg+xml;base64,{b64encode(text.encode()).decode()}"


def by_day(report: Utilisation) -> Drawing:
    """Occupancy of each day; a day of which less than all was known is as wide as its coverage."""
    buckets = report.lines[0].buckets if report.lines else []
    bars = [(f"{one.start.day}", one.figures.occupancy, one.figures.coverage) for one in buckets]
    return _bars(bars)


def _bars(bars: Sequence[tuple[str, float | None, float | None]]) -> Drawing:
    """Bars of shares from 0 to 1, with their labels."""
    drawing = _frame()
    step = (WIDTH - _LEFT) / max(1, len(bars))
    high = HEIGHT - _BOTTOM - _TOP
    for place, (label, share, wide) in enumerate(bars):
        left = _LEFT + place * step
        if share is not None:
            width = step * 0.8 * (wide or 0.0)
            bar = Rect(
                left + step * 0.1, _BOTTOM, width, high * min(1.0, share), fillColor=BAR, strokeColor=None
            )
            drawing.add(bar)
        drawing.add(_text(left + step / 2, _BOTTOM - 11, label))
    return drawing


def _frame() -> Drawing:
    """Axes for shares: lines at each quarter."""
    drawing = Drawing(WIDTH, HEIGHT)
    high = HEIGHT - _BOTTOM - _TOP
    for quarter in range(5):
        y = _BOTTOM + high * quarter / 4
        drawing.add(Line(_LEFT, y, WIDTH, y, strokeColor=FAINT, strokeWidth=0.5))
        drawing.add(_text(_LEFT - 5, y - 3, f"{quarter * 25} %", anchor="end"))
    return drawing


def _text(x: float, y: float, text: str, *, anchor: str = "middle", color: Color = INK) -> String:
    return String(x, y, text, fontName="Helvetica", fontSize=_SIZE, textAnchor=anchor, fillColor=color)


def by_hour(report: Profile) -> Drawing:
    """A heat map of occupancy: hours across, weekdays down; a dash where nothing was known."""
    drawing = Drawing(WIDTH, HEIGHT)
    wide, high = (WIDTH - 60) / 24, (HEIGHT - 20) / 7
    hours = report.lines[0].hours if report.lines else []
    for hour in range(0, 24, 3):
        drawing.add(_text(60 + hour * wide + wide / 2, HEIGHT - 10, f"{hour:02}"))
    for one in hours:
        x, y = 60 + one.hour * wide, HEIGHT - 20 - (one.weekday + 1) * high
        share = one.figures.occupancy
        color = white if share is None else _shade(share)
        drawing.add(Rect(x, y, wide - 1, high - 1, fillColor=color, strokeColor=FAINT, strokeWidth=0.3))
        label = "-" if share is None else f"{share * 100:.0f}"
        ink = INK if share is None or share < 0.55 else white
        drawing.add(_text(x + wide / 2, y + high / 2 - 3, label, color=ink))
    for weekday, name in enumerate(WEEKDAYS):
        drawing.add(_text(54, HEIGHT - 20 - (weekday + 0.5) * high - 3, name, anchor="end"))
    return drawing


def _shade(share: float) -> Color:
    """From white to dark blue."""
    amount = min(1.0, max(0.0, share))
    return Color(1 - amount * 0.99, 1 - amount * 0.75, 1 - amount * 0.45)


def by_length(report: Dwell) -> Drawing:
    """The distribution of dwell: the share of sessions in each class."""
    line = report.lines[0] if report.lines else None
    classes = line.classes if line else []
    total = max(1, sum(one.sessions for one in classes))
    labels = [_length(one.from_min) + ("+" if one.until_min is None else "") for one in classes]
    return _bars([(label, one.sessions / total, 1.0) for label, one in zip(labels, classes, strict=True)])


def _length(minutes: int) -> str:
    return f"{minutes} min" if minutes < 60 else f"{minutes / 60:g} h"
