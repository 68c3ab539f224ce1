"""The report of a month as a PDF."""

import io
import unicodedata
from collections.abc import Sequence
from html import escape
from typing import Any

from reportlab.lib.colors import HexColor
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import getSampleStyleSheet
from reportlab.lib.units import mm
from reportlab.platypus import KeepTogether, Paragraph, SimpleDocTemplate, Spacer, Table, TableStyle

from parking.exporting import plots
from parking.exporting.monthly_words import key_figures, overstay_rows, site_rows, title
from parking.reporting.monthly import Monthly

_LINE = HexColor("#b1b4b6")
_STYLE = TableStyle(
    [
        ("FONT", (0, 0), (-1, -1), "Helvetica", 8),
        ("FONT", (0, 0), (-1, 0), "Helvetica-Bold", 8),
        ("LINEBELOW", (0, 0), (-1, -1), 0.4, _LINE),
        ("ALIGN", (1, 0), (-1, -1), "RIGHT"),
        ("TOPPADDING", (0, 0), (-1, -1), 2),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 2),
    ]
)


def monthly_pdf(report: Monthly) -> bytes:
    """The PDF's bytes."""
    out = io.BytesIO()
    heading = title(report)
    document = SimpleDocTemplate(
        out,
        pagesize=A4,
        title=_latin(heading),
        author="Smart parking",
        leftMargin=18 * mm,
        rightMargin=18 * mm,
    )
    document.build(_story(report, heading))
    return out.getvalue()


def _story(report: Monthly, heading: str) -> list[Any]:
    styles = getSampleStyleSheet()

    def text(words: str, style: str = "BodyText") -> Paragraph:
        return Paragraph(escape(_latin(words)), styles[style])

    def section(words: str, *what: Any) -> KeepTogether:
        return KeepTogether([text(words, "Heading2"), *what, Spacer(1, 4 * mm)])

    said = [text(f"{word}: {meaning}") for word, meaning in report.definitions.items()]
    return [
        text(heading, "Title"),
        text(f"As of {report.days.as_of:%Y-%m-%d %H:%M} UTC, {', '.join(report.days.asked.timezones)}."),
        section("At a glance", _table(key_figures(report))),
        section(
            "Occupancy by day (a bar is as wide as what was known of the day)", plots.by_day(report.days)
        ),
        section("Occupancy by hour of the week, percent", plots.by_hour(report.profile)),
        section("How long vehicles stay, share of sessions", plots.by_length(report.dwell)),
        text("Sites", "Heading2"),
        _table(site_rows(report)),
        text("Overstays", "Heading2"),
        _table(overstay_rows(report)),
        text("What the figures mean", "Heading2"),
        *said,
        text(report.not_claimed),
    ]


def _table(rows: Sequence[Sequence[str]]) -> Table:
    return Table([[_latin(cell) for cell in row] for row in rows], repeatRows=1, style=_STYLE, hAlign="LEFT")


def _latin(text: str) -> str:
    """What the fonts that every reader has can show: a letter without its accent rather than none."""
    return "".join(
        letter
        if _shown(letter)
        else unicodedata.normalize("NFKD", letter).encode("ascii", "replace").decode()[:1]
        for letter in text
    )


def _shown(letter: str) -> bool:
    try:
        letter.encode("cp1252")
    except UnicodeEncodeError:
        return False
    return True
