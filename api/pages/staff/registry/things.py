"""Bays, devices and gates on the pages of the registry."""

from collections.abc import Mapping
from typing import Final

from api.pages.staff.registry.sheet import SITES, Field, Part, Sheet
from api.pages.staff.registry.shelf import Cell, Shelf, path_of, site_cell
from api.pages.staff.registry.values import NUMBER, WHOLE
from parking.devices import DEVICE_TYPES
from parking.registry_documents import Document
from parking.registry_things import KINDS

CATEGORIES: Final = ("standard", "disabled", "electric", "loading", "motorcycle", "parent", "resident")
CODECS: Final = tuple((codec, codec) for codec in sorted(DEVICE_TYPES))
DIRECTIONS: Final = (("in", "in"), ("out", "out"))
REJECTED: Final = "Messages that are not of the new type are rejected, on record."
_HEARTBEAT: Final = "Seconds between its messages; that of its type unless given"

_SENSOR: Final = (
    Field(path="sensor.id", label="Device id", hint="As it is printed on it. Empty: no device", keys=True),
    Field(path="sensor.codec", label="Device type", choices=CODECS, usual="parking-v1"),
    Field(path="sensor.heartbeat_s", label="Heartbeat", hint=_HEARTBEAT, way=WHOLE),
)
BAY_SHEET: Final = Sheet(
    (
        Part(
            "The bay",
            (
                Field(
                    path="id", label="Id", hint="Such as queen-street-021. It never changes.", made_with=True
                ),
                Field(path="site", label="Site", choices=SITES),
                Field(
                    path="category",
                    label="Kind of space",
                    hint="Such as " + ", ".join(CATEGORIES[:4]),
                    usual="standard",
                    suggested=CATEGORIES,
                ),
                Field(path="location.lat", label="Latitude", hint="WGS 84, such as 51.4816", way=NUMBER),
                Field(path="location.lon", label="Longitude", hint="WGS 84, such as -3.1791", way=NUMBER),
                Field(
                    path="max_stay_min",
                    label="Longest stay in minutes",
                    hint="That of the site unless given",
                    way=WHOLE,
                ),
            ),
        ),
        Part("Its device", _SENSOR, "Another id swaps the device; the one before goes to the store room."),
    )
)
SWAP_SHEET: Final = Sheet(
    (
        Part(
            "The new device",
            _SENSOR,
            "The one before goes to the store room. What each told stays with the bay that it watched then.",
        ),
    )
)
"""The same bay, of which the device alone is changed."""
DEVICE_SHEET: Final = Sheet(
    (
        Part(
            "The device",
            (
                Field(
                    path="id", label="Id", hint="As it is printed on it. It never changes.", made_with=True
                ),
                Field(path="codec", label="Type", choices=CODECS, usual="parking-v1"),
                Field(path="heartbeat_s", label="Heartbeat", hint=_HEARTBEAT, way=WHOLE),
                Field(path="bay", label="Bay that it watches", hint="The bay’s id. Empty: in the store room"),
            ),
        ),
    )
)
GATE_SHEET: Final = Sheet(
    (
        Part(
            "The gate",
            (
                Field(
                    path="camera",
                    label="Camera",
                    hint="Its id in the topic. It never changes.",
                    made_with=True,
                ),
                Field(path="site", label="Site", choices=SITES),
                Field(path="direction", label="Vehicles pass it on their way", choices=DIRECTIONS),
                Field(
                    path="time",
                    label="Whose time counts",
                    choices=(
                        ("auto", "the camera’s where it can be trusted"),
                        ("camera", "the camera’s"),
                        ("arrival", "that of arrival"),
                    ),
                    usual="auto",
                ),
                Field(path="timezone", label="Time zone of the camera", hint="That of the site unless given"),
                Field(
                    path="repeat_s",
                    label="Alike plates are one vehicle within, in seconds",
                    hint="Less where vehicles follow each other closely, 0 where the camera reads none twice",
                    way=NUMBER,
                ),
            ),
        ),
    )
)


def _bay_cells(bay: Document, names: Mapping[str, str]) -> list[Cell]:
    device = bay.get("sensor", {}).get("id")
    return [
        site_cell(bay["site"], names),
        Cell(bay["category"]),
        Cell("none") if device is None else Cell(device, path_of("devices", device)),
    ]


def _bay_notes(before: Document, after: Document) -> list[str]:
    notes = []
    was, now = before.get("sensor", {}).get("id"), after.get("sensor", {}).get("id")
    if before and was != now:
        if was is not None:
            notes.append(f"Device {was} goes to the store room.")
        watch = "until its new device reports" if now else "for as long as it has no device"
        notes.append(f"The bay’s state is not known {watch}.")
    return notes


def _device_cells(device: Document, names: Mapping[str, str]) -> list[Cell]:
    bay = device["bay"]
    return [
        Cell(device["codec"]),
        Cell("none") if bay is None else Cell(bay, path_of("bays", bay)),
        site_cell(device["site"], names),
    ]


def _device_notes(before: Document, after: Document) -> list[str]:
    was, now = before.get("bay"), after.get("bay")
    notes = []
    if was != now and was is not None:
        notes.append(f"Bay {was} has no device then, and its state is not known.")
    if before and before.get("codec") != after.get("codec"):
        notes.append(REJECTED)
    return notes


def _gate_cells(gate: Document, names: Mapping[str, str]) -> list[Cell]:
    return [site_cell(gate["site"], names), Cell(gate["direction"])]


BAYS: Final = Shelf(
    kind=KINDS["bays"],
    title="Bays",
    lead="Marked spaces at sites that are counted by a sensor in each bay.",
    sheet=BAY_SHEET,
    heads=("Id", "Site", "Kind of space", "Device"),
    cells=_bay_cells,
    removing="It is retired: its device goes to the store room. Its past stays in reports; a bay with its id "
    "goes on with it.",
    filter=("Kind of space", tuple((name, name) for name in CATEGORIES)),
    searched="Id of the bay or its device",
    notes=_bay_notes,
)
DEVICES: Final = Shelf(
    kind=KINDS["devices"],
    title="Devices",
    lead="Sensors, each with the bay that it watches.",
    sheet=DEVICE_SHEET,
    heads=("Id", "Type", "Bay", "Site"),
    cells=_device_cells,
    remove="Retire",
    removing="Its messages are rejected from then on, on record. What it told stays with its bays.",
    filter=("Which", (("stored", "in the store room"), *CODECS)),
    searched="Id of the device or its bay",
    notes=_device_notes,
)
GATES: Final = Shelf(
    kind=KINDS["gates"],
    title="Gates",
    lead="Cameras over the lanes of sites that are counted at their gates.",
    sheet=GATE_SHEET,
    heads=("Camera", "Site", "Direction"),
    cells=_gate_cells,
    removing="Vehicles that pass it are no longer counted.",
    filter=("Direction", DIRECTIONS),
    searched="Id of the camera",
)
