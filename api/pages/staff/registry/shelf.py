"""What the pages need to know of a kind of thing: its words, its form, its list, and what changes do too."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, urlencode

from api.pages.staff.registry.sheet import Sheet
from parking.registry_documents import Document
from parking.registry_things import Kind

PATH: Final = "/manage/registry"


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of a list; `href` empty: no link."""

    text: str
    href: str = ""


Cells = Callable[[Document, Mapping[str, str]], list[Cell]]
"""The cells of a thing after its name or id; the mapping has the names of sites by their ids."""
Notes = Callable[[Document, Document], list[str]]
"""What a change does besides, in sentences for whoever makes it."""


def _nothing(before: Document, after: Document) -> list[str]:
    return []


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelf:
    """All things of one kind, as the pages show them. `filter`: the label and choices of its list."""

    kind: Kind
    title: str
    lead: str
    sheet: Sheet
    heads: tuple[str, ...]
    cells: Cells
    removing: str
    remove: str = "Remove"
    filter: tuple[str, tuple[tuple[str, str], ...]] | None = None
    searched: str
    notes: Notes = _nothing

    def id_of(self, document: Document) -> str:
        """The id of a thing of this kind."""
        id: str = document[self.kind.id]
        return id


def title_of(shelf: Shelf, document: Document) -> tuple[str, str]:
    """What a thing is called, and what stands above that: its id where it has a name."""
    named = f"{shelf.kind.one.capitalize()} {shelf.id_of(document)}"
    return (document["name"], named) if document.get("name") else (named, "")


def path_of(kind: str, id: str) -> str:
    """The page of a thing."""
    return f"{PATH}/{kind}/{quote(id, safe='')}"


def list_of(kind: str, **query: str) -> str:
    """A list of things of one kind."""
    return f"{PATH}/{kind}" + (f"?{urlencode(query)}" if query else "")


def site_cell(site: str | None, names: Mapping[str, str]) -> Cell:
    """The site of a thing; None: it is in the store room."""
    return Cell("in the store room") if site is None else Cell(names.get(site, site), path_of("sites", site))
