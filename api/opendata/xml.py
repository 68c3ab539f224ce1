"""Building XML with lxml: elements in order, text cleaned of what XML cannot hold."""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime

from lxml import etree

Element = etree._Element
_NOT_XML = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def clean(text: str) -> str:
    """The text without characters that XML 1.0 cannot hold in any way."""
    return _NOT_XML.sub("\ufffd", text)


def moment(at: datetime) -> str:
    """RFC 3339 in UTC, which is xs:dateTime."""
    return at.isoformat().replace("+00:00", "Z")


class Writer:
    """Adds elements of one namespace prefix, such as `prk`, each known by its short name `prk:name`."""

    def __init__(self, namespaces: Mapping[str, str]) -> None:
        self._namespaces = dict(namespaces)
        self._tags: dict[str, str] = {}

    def root(self, name: str, **attributes: str) -> Element:
        """The outermost element, which declares every namespace."""
        element = etree.Element(self._tag(name), nsmap=self._namespaces)
        for key, value in attributes.items():
            element.set(key, clean(value))
        return element

    def add(
        self, parent: Element, name: str, value: object = None, *, kind: str | None = None, **attributes: str
    ) -> Element:
        """One more element within `parent`; `kind` is its xsi:type."""
        element = etree.SubElement(parent, self._tag(name))
        if kind is not None:
            element.set(_XSI_TYPE, kind)
        for key, text in attributes.items():
            element.set(key, clean(text))
        if value is not None:
            element.text = _text(value)
        return element

    def _tag(self, name: str) -> str:
        if (tag := self._tags.get(name)) is None:
            prefix, _, local = name.rpartition(":")
            tag = self._tags[name] = f"{{{self._namespaces[prefix]}}}{local}"
        return tag


def document(root: Element, grown: Element | None = None, pieces: Iterable[Element] = ()) -> bytes:
    """The whole document in UTF-8, with the children of each of `pieces` at the end of `grown`.

    A piece has the tag and the namespaces of the root, and is dropped once it is written: a single tree of a
    large city would hold up the other threads for as long as it takes to drop it.
    """
    (root if grown is None else grown).append(etree.Comment(_MARK))
    whole = etree.tostring(root, xml_declaration=True, encoding="UTF-8")
    head, _, tail = whole.partition(f"<!--{_MARK}-->".encode())
    return b"".join([head, *map(_inner, pieces), tail])


def _inner(piece: Element) -> bytes:
    """What stands within an element, as bytes."""
    if len(piece) == 0:
        return b""
    text = etree.tostring(piece, xml_declaration=False, encoding="UTF-8")
    # In attributes lxml writes &gt;, so this is the end of the first tag.
    return text[text.index(b">") + 1 : text.rindex(b"</")]


_MARK = "pieces"
XSI = "http://www.w3.org/2001/XMLSchema-instance"
_XSI_TYPE = f"{{{XSI}}}type"


def _text(value: object) -> str:
    if value is True or value is False:
        return "true" if value else "false"
    if isinstance(value, datetime):
        return moment(value)
    return clean(str(value))
