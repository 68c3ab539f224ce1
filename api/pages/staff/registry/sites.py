"""Sites on the pages of the registry."""

from collections.abc import Mapping
from typing import Final

from api.pages.staff.registry.sheet import Field, Part, Sheet
from api.pages.staff.registry.shelf import Cell, Shelf
from api.pages.staff.registry.values import ENTRANCES, NUMBER, NUMBERS, WHOLE, YES, YES_OR_NO
from parking.registry_documents import Document
from parking.registry_things import KINDS

KIND: Final = (("on_street", "street"), ("off_street", "car park"))
COUNTED: Final = {"bays": "by a sensor in each bay", "gates": "by cameras at its gates"}

SHEET: Final = Sheet(
    (
        Part(
            "What it is",
            (
                Field(
                    path="id",
                    label="Id",
                    hint="Letters, digits, dots and hyphens, such as castle-mews. It never changes.",
                    made_with=True,
                ),
                Field(path="name", label="Name"),
                Field(path="kind", label="Kind", choices=KIND),
                Field(path="zone", label="Zone", hint="For filters and reports, such as centre"),
                Field(path="address", label="Address"),
                Field(path="operator", label="Operator", hint="Who runs it"),
                Field(path="url", label="Web page", hint="Where drivers read more, such as https://..."),
                Field(
                    path="status",
                    label="Open or closed",
                    hint="For a closure of some hours or days use Closures.",
                    choices=(("open", "open"), ("closed", "closed until this is changed")),
                    usual="open",
                ),
            ),
        ),
        Part(
            "Where it is",
            (
                Field(path="location.lat", label="Latitude", hint="WGS 84, such as 51.4816", way=NUMBER),
                Field(path="location.lon", label="Longitude", hint="WGS 84, such as -3.1791", way=NUMBER),
                Field(
                    path="entrances",
                    label="Entrances",
                    hint="One a line: latitude, longitude and a name, such as 51.4816, -3.1791, North gate",
                    way=ENTRANCES,
                ),
                Field(path="timezone", label="Time zone", hint="Such as Europe/London"),
            ),
        ),
        Part(
            "What drivers are told",
            (
                Field(
                    path="opening_hours",
                    label="Opening hours",
                    hint="As in OpenStreetMap, such as Mo-Sa 07:00-19:00; PH off. Empty: always open",
                ),
                Field(path="max_height_m", label="Height limit in metres", way=NUMBER),
                Field(path="max_stay_min", label="Longest stay in minutes", way=WHOLE),
                Field(
                    path="tariff.free",
                    label="Does parking cost anything?",
                    way=YES_OR_NO,
                    choices=(("", "not known"), ("yes", "no, it is free"), ("no", "yes")),
                ),
                Field(path="tariff.per_hour", label="Price of an hour", way=NUMBER),
                Field(path="tariff.currency", label="Currency", hint="GBP unless given"),
                Field(path="tariff.text", label="Prices in words", hint="What the board says"),
            ),
        ),
        Part(
            "How it is counted",
            (
                Field(path="capacity", label="Capacity in spaces", way=WHOLE, counting="gates"),
                Field(
                    path="initial_count",
                    label="Vehicles inside when counting begins",
                    way=WHOLE,
                    counting="gates",
                    made_with=True,
                ),
                Field(
                    path="spaces",
                    label="Marked spaces by kind",
                    hint="One a line, such as disabled: 12",
                    way=NUMBERS,
                    counting="gates",
                ),
                Field(
                    path="pairing_window_min",
                    label="Plate tokens are deleted after, in minutes",
                    hint="Only to have them go sooner than elsewhere",
                    way=WHOLE,
                    counting="gates",
                ),
                Field(
                    path="empty_when_closed",
                    label="Nobody can be inside while it is closed",
                    hint="Then its count is known to be 0 when it opens.",
                    way=YES,
                    counting="gates",
                ),
            ),
        ),
    )
)


def _cells(site: Document, names: Mapping[str, str]) -> list[Cell]:
    closed = ", closed" if site.get("status") == "closed" else ""
    return [
        Cell(site["id"]),
        Cell(dict(KIND)[site["kind"]] + closed),
        Cell(site.get("zone", "")),
        Cell(COUNTED[site["counting"]]),
    ]


def _notes(before: Document, after: Document) -> list[str]:
    notes = []
    if before.get("status", "open") != after.get("status", "open"):
        word = after.get("status", "open")
        notes.append(f"The site is {word} at once, on the pages, on signs and in open data.")
    if before.get("opening_hours") != after.get("opening_hours"):
        notes.append("Reports use the opening hours of today for the past too.")
    return notes


SITES: Final = Shelf(
    kind=KINDS["sites"],
    title="Sites",
    lead="Streets and car parks, with what drivers are told of them.",
    sheet=SHEET,
    heads=("Name", "Id", "Kind", "Zone", "Counted"),
    cells=_cells,
    removing="It is retired: its bays, gates and signs go with it, and its devices go to the store room. "
    "Its past stays in reports.",
    searched="Name, id, zone or address",
    notes=_notes,
)
