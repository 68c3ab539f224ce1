"""XML from strangers: the texts of wanted elements by local name, within bounds, without any declaration.

A document type declaration is refused, and with it every entity. Texts of other elements, images among them,
are passed over as the parser delivers them. Errors tell the place, never the text.
"""

from collections.abc import Set
from dataclasses import dataclass, field
from typing import Final
from xml.parsers import expat

from parking.errors import Rejection

MAX_DEPTH: Final = 16
MAX_ELEMENTS: Final = 2000
MAX_TEXT: Final = 512
"""Characters of one wanted text."""
_NAMESPACE_END: Final = "\n"
"""Divides a namespace from a local name: no name holds it."""


@dataclass(frozen=True, slots=True)
class Document:
    """A root with its attributes, and the wanted texts in order, each with the local names down to it."""

    root: str
    attributes: dict[str, str] = field(repr=False)
    texts: tuple[tuple[tuple[str, ...], str], ...] = field(repr=False)

    def first(self, *path: str) -> str | None:
        """The first text whose place ends in these local names; None if there is none or it is empty."""
        return next((text for place, text in self.texts if text and place[-len(path) :] == path), None)


def parse(payload: bytes, wanted: Set[str]) -> Document:
    """Read a document; raises Rejection."""
    reader = _Reader(wanted)
    parser = expat.ParserCreate(namespace_separator=_NAMESPACE_END)
    parser.StartDoctypeDeclHandler = reader.refuse
    parser.EntityDeclHandler = reader.refuse
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.text
    try:
        parser.Parse(payload, True)
    except expat.ExpatError as error:
        what = expat.ErrorString(error.code)
        raise Rejection("invalid_xml", f"{what}, line {error.lineno}, column {error.offset}") from None
    except (ValueError, LookupError):
        # Of the encoding that the document names for itself.
        raise Rejection("invalid_xml", "the document's encoding is not known") from None
    return Document(reader.root, reader.attributes, tuple(reader.found))


class _Reader:
    def __init__(self, wanted: Set[str]) -> None:
        self._wanted = wanted
        self._path: list[str] = []
        self._elements = 0
        self._text: list[str] | None = None
        self._size = 0
        self.root = ""
        self.attributes: dict[str, str] = {}
        self.found: list[tuple[tuple[str, ...], str]] = []

    def refuse(self, *_: object) -> None:
        raise Rejection("invalid_xml", "a document type declaration is not allowed")

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self._elements += 1
        if self._elements > MAX_ELEMENTS or len(self._path) >= MAX_DEPTH:
            raise Rejection(
                "invalid_xml", f"more than {MAX_ELEMENTS} elements, or {MAX_DEPTH} within each other"
            )
        local = name.rpartition(_NAMESPACE_END)[2]
        if not self._path:
            self.root, self.attributes = local, attributes
        self._path.append(local)
        self._text, self._size = ([], 0) if local in self._wanted else (None, 0)

    def text(self, data: str) -> None:
        if self._text is None:
            return
        self._size += len(data)
        if self._size > MAX_TEXT:
            raise Rejection("invalid_xml", f"a text of more than {MAX_TEXT} characters where a value belongs")
        self._text.append(data)

    def end(self, name: str) -> None:
        if self._text is not None:
            self.found.append((tuple(self._path), "".join(self._text).strip()))
        self._text = None
        self._path.pop()
