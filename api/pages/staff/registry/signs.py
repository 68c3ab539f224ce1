"""Signs on the pages of the registry."""

from collections.abc import Mapping
from typing import Final

from api.pages.staff.registry.sheet import SITES, Field, Part, Sheet
from api.pages.staff.registry.shelf import Cell, Shelf, site_cell
from api.pages.staff.registry.values import BLANK, LABELS, LINES, NUMBER, SCHEDULE, WHOLE, WORD
from parking.registry_documents import Document
from parking.registry_things import KINDS

MODES: Final = (
    ("auto", "by the numbers"),
    ("blank", "always nothing"),
    ("full", "always its word for full"),
    ("closed", "always its word for closed"),
    ("test", "its test"),
)


def _word(name: str, label: str, usual: str) -> Field:
    return Field(path=f"texts.{name}", label=label, hint=f"{usual or 'Nothing'} unless given", way=WORD)


SHEET: Final = Sheet(
    (
        Part(
            "The sign",
            (
                Field(path="id", label="Id", hint="Such as vms-12. It never changes.", made_with=True),
                Field(path="name", label="Name"),
                Field(path="site", label="Site that it belongs to", choices=SITES),
                Field(
                    path="sites",
                    label="Sites that it tells of",
                    hint="One id a line, in the order of its lines. Empty: that which it belongs to",
                    way=LINES,
                ),
                Field(path="location.lat", label="Latitude", hint="WGS 84, such as 51.4816", way=NUMBER),
                Field(path="location.lon", label="Longitude", hint="WGS 84, such as -3.1791", way=NUMBER),
            ),
        ),
        Part(
            "What it shows",
            (
                Field(
                    path="mode",
                    label="Mode",
                    hint="To set something for some hours, override the sign instead.",
                    choices=MODES,
                    usual="auto",
                ),
                Field(
                    path="show",
                    label="Spaces are told as",
                    choices=(
                        ("number", "a number"),
                        ("word", "a word"),
                        ("number_when_few", "a number when they are few, else a word"),
                    ),
                    usual="number",
                ),
                Field(
                    path="layout",
                    label="Of several sites",
                    choices=(("sum", "one line for all"), ("each", "a line for each")),
                    usual="sum",
                ),
                Field(
                    path="labels",
                    label="What stands before a site’s line",
                    hint="One a line, such as castle-mews: CASTLE",
                    way=LABELS,
                ),
            ),
        ),
        Part(
            "Numbers",
            (
                Field(path="min", label="Least number", hint="1 unless given; fewer are full", way=WHOLE),
                Field(path="max", label="Greatest number", hint="More shows as this", way=WHOLE),
                Field(
                    path="offset", label="Added to the free spaces first", hint="May be negative", way=WHOLE
                ),
                Field(path="round_to", label="Rounded down to a multiple of", way=WHOLE),
                Field(path="round_from", label="Rounded from so many on", way=WHOLE),
                Field(
                    path="trust",
                    label="Least share of spaces that report",
                    hint="0 to 1: 0.75 is 75 %. That of the system unless given",
                    way=NUMBER,
                ),
                Field(path="min_change_s", label="Stays at least, in seconds", way=WHOLE),
            ),
        ),
        Part(
            "Thresholds",
            (
                Field(path="thresholds.full_increasing", label="Full at so many free or fewer", way=WHOLE),
                Field(
                    path="thresholds.full_decreasing", label="No longer full with more free than", way=WHOLE
                ),
                Field(
                    path="thresholds.almost_full_increasing",
                    label="Almost full at so many free or fewer",
                    way=WHOLE,
                ),
                Field(
                    path="thresholds.almost_full_decreasing",
                    label="No longer almost full with more free than",
                    way=WHOLE,
                ),
            ),
            "The second of a pair is not less than the first; the more they differ, the less the sign flaps.",
        ),
        Part(
            "Words",
            (
                _word("spaces", "Spaces", "SPACES"),
                _word("almost_full", "Almost full", "ALMOST FULL"),
                _word("full", "Full", "FULL"),
                _word("closed", "Closed", "CLOSED"),
                _word("test", "Test", "TEST"),
                _word("unknown", "Not known", ""),
                Field(
                    path="permitted",
                    label="Permitted words",
                    hint="One a line: the only ones that it can show. Its own words unless given",
                    way=LINES,
                ),
                Field(
                    path="schedule",
                    label="At certain hours",
                    hint="One a line: hours and what it shows then, such as 23:00-06:00 | CLOSED. The first "
                    "that holds counts",
                    way=SCHEDULE,
                ),
            ),
            f"Without digits. Type {BLANK} for a sign that shows nothing then.",
        ),
        Part(
            "Its controller",
            (
                Field(path="valid_s", label="May show one answer for, in seconds", way=WHOLE),
                Field(path="poll_s", label="Asks again after, in seconds", way=WHOLE),
                Field(path="multi", label="Tags before its text in MULTI", hint="[jp3][jl3] unless given"),
            ),
            "Those of the system unless given",
        ),
    )
)


def _cells(sign: Document, names: Mapping[str, str]) -> list[Cell]:
    return [
        Cell(sign.get("name", "")),
        site_cell(sign["site"], names),
        Cell(", ".join(names.get(site, site) for site in sign["sites"])),
        Cell(dict(MODES)[sign.get("mode", "auto")]),
    ]


def _notes(before: Document, after: Document) -> list[str]:
    if before and before.get("mode", "auto") != after.get("mode", "auto"):
        return ["The sign changes as soon as its controller asks again."]
    return []


SIGNS: Final = Shelf(
    kind=KINDS["signs"],
    title="Signs",
    lead="Variable message signs, each with the sites that it tells of and how it decides what to show.",
    sheet=SHEET,
    heads=("Id", "Name", "Site", "Tells of", "Mode"),
    cells=_cells,
    removing="Its controller is told nothing any more, and goes blank.",
    filter=("Mode", MODES),
    searched="Id or name",
    notes=_notes,
)
