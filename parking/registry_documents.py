"""The registry as plain JSON in one settled form, whether it came from a file or is read from the database.

What a file leaves out and what it gives as the default are the same here. So documents are equal where the
registries are, and the document of a database is a registry file that imports to the same.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from parking.devices import DEVICE_TYPES
from parking.registry import Bay, Gate, Registry, Site
from parking.registry_signs import Sign, SignThresholds
from parking.sign_rules import Thresholds

Document = dict[str, Any]
_NO_THRESHOLDS = SignThresholds().complete()


def registry_document(registry: Registry) -> Document:
    """The whole registry; sites, and what each has, in the order of their ids."""
    return {"sites": [site_document(site) for site in sorted(registry.sites, key=lambda site: site.id)]}


def site_document(site: Site) -> Document:
    """One site with all that it has."""
    settled = site.model_dump(mode="json", exclude={"bays", "gates", "signs"}, exclude_defaults=True)
    if site.counting == "bays":
        settled.pop("capacity", None)  # it is the number of bays
        settled.pop("initial_count", None)
    return {
        **settled,
        "timezone": site.timezone,
        "bays": [bay_document(bay) for bay in sorted(site.bays, key=lambda bay: bay.id)],
        "gates": [gate_document(gate) for gate in sorted(site.gates, key=lambda gate: gate.camera)],
        "signs": [
            sign_document(sign, listed_under=site.id) for sign in sorted(site.signs, key=lambda sign: sign.id)
        ],
    }


def bay_document(bay: Bay) -> Document:
    """One bay with its sensor."""
    document = {**bay.model_dump(mode="json", exclude_defaults=True), "category": bay.category}
    if bay.sensor:
        document["sensor"] = sensor_document(bay.sensor.id, bay.sensor.codec, bay.sensor.heartbeat_s)
    return document


def sensor_document(id: str, codec: str, heartbeat_s: int | None) -> Document:
    """One sensor; its heartbeat is left out where it is that of its type."""
    usual = DEVICE_TYPES[codec].heartbeat_s if codec in DEVICE_TYPES else None
    own = {} if heartbeat_s in (None, usual) else {"heartbeat_s": heartbeat_s}
    return {"id": id, "codec": codec, **own}


def gate_document(gate: Gate) -> Document:
    """One gate."""
    return gate.model_dump(mode="json", exclude_defaults=True)


def sign_document(sign: Sign, *, listed_under: str) -> Document:
    """One sign, which always says of which sites it tells."""
    document = sign.model_dump(mode="json", exclude_defaults=True)
    document.pop("thresholds", None)
    if (at := sign.thresholds.complete()) != _NO_THRESHOLDS:
        given = {name: getattr(at, name) for name in Thresholds.__slots__}
        document["thresholds"] = {name: value for name, value in given.items() if value is not None}
    return {**document, "sites": list(sign.sites) or [listed_under]}


def flat(documents: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, str, Document]]:
    """Each thing in documents of sites alone: its kind, its id, and what is said of it and of no other."""
    for site in documents:
        own = {key: value for key, value in site.items() if key not in ("bays", "gates", "signs")}
        yield "sites", site["id"], own
        for bay in site["bays"]:
            yield "bays", bay["id"], {**bay, "site": site["id"]}
        for gate in site["gates"]:
            yield "gates", gate["camera"], {**gate, "site": site["id"]}
        for sign in site["signs"]:
            yield "signs", sign["id"], {**sign, "site": site["id"]}
