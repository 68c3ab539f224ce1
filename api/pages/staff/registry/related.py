"""Where one goes from a thing of the registry."""

from collections.abc import Mapping

from api.access import Caller
from api.pages.staff.registry.shelf import PATH, Shelf, list_of, path_of
from parking.access_keys import Scope
from parking.registry_documents import Document

Links = list[tuple[str, str]]
"""Each with its words and its address."""


def related(shelf: Shelf, document: Document, caller: Caller, there: Mapping[str, int]) -> Links:
    """What belongs to a thing, what it belongs to, and who changed it; `there` counts what a site has."""
    id = shelf.id_of(document)
    match shelf.kind.name:
        case "sites":
            links = _of_site(id, document, there)
        case "bays":
            links = _of_bay(id, document)
        case "devices" if document["bay"] is not None:
            links = [
                (f"Bay {document['bay']}", path_of("bays", document["bay"])),
                ("Swap it for another device", path_of("bays", document["bay"]) + "/device"),
            ]
        case "gates" | "signs":
            links = [("The site that it belongs to", path_of("sites", document["site"]))]
        case _:
            links = []
    if shelf.kind.name == "signs" and caller.may(Scope.SIGNS_WRITE):
        links.append(("What it shows now, and overriding it", f"/manage/signs/{id}"))
    if caller.may(Scope.AUDIT_READ):
        links.append(("Who changed it", f"/manage/audit?subject={shelf.kind.one}/{id}"))
    return links


def _of_site(id: str, site: Document, there: Mapping[str, int]) -> Links:
    own = ("bays", "devices") if site["counting"] == "bays" else ("gates",)
    links = [(f"{kind.capitalize()} ({there[kind]:,})", list_of(kind, site=id)) for kind in (*own, "signs")]
    one = "bay" if site["counting"] == "bays" else "gate"
    return [
        *links,
        (f"Add a {one}", f"{PATH}/add/{one}s?site={id}"),
        ("Add a sign", f"{PATH}/add/signs?site={id}"),
        ("Close it for some time", f"/manage/closures?site={id}"),
        ("What drivers see", f"/sites/{id}"),
    ]


def _of_bay(id: str, bay: Document) -> Links:
    links = [("The site that it belongs to", path_of("sites", bay["site"]))]
    if "sensor" in bay:
        links += [
            (f"Device {bay['sensor']['id']}", path_of("devices", bay["sensor"]["id"])),
            ("Swap its device", path_of("bays", id) + "/device"),
        ]
    return links
