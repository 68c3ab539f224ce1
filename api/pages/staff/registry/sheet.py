"""A form for one thing of the registry, described by its fields: what it shows, and the patch it makes.

A field that was not touched is in no patch. So what a form cannot say stays as it is, and two people who
change different members of a thing can both be right.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from api.pages.staff.registry.values import TEXT, YES, Way
from parking.errors import Fault, RegistryError
from parking.registry_documents import Document
from parking.registry_things import refused

SITES: Final = "sites"
"""Choices of a field that are the sites of whoever fills it in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One member of a thing: `path` is where it is in the document, `way` how it is typed.

    `usual` is what an absent member means. `made_with`: said when the thing is made, and never changed.
    `counting`: only for a site that is counted so. `keys`: without it, its whole object is not there.
    `suggested`: what is often typed.
    """

    path: str
    label: str
    hint: str = ""
    way: Way = TEXT
    choices: tuple[tuple[str, str], ...] | str = ()
    usual: str = ""
    made_with: bool = False
    counting: str = ""
    keys: bool = False
    suggested: tuple[str, ...] = ()

    def told(self, document: Mapping[str, Any]) -> str:
        """What stands in the field."""
        value: Any = document
        for name in self.path.split("."):
            value = value.get(name) if isinstance(value, Mapping) else None
        return self.usual if value is None else self.way.tell(value)

    def said(self, document: Mapping[str, Any]) -> str:
        """What stands in the field, in words."""
        text = self.told(document)
        names = dict(self.choices) if isinstance(self.choices, tuple) else {}
        return self.way.say(names.get(text, text))

    @property
    def yes(self) -> bool:
        """Whether it is a box to tick."""
        return self.way is YES

    @property
    def object(self) -> str:
        """The object that this is a member of; empty: the thing itself."""
        return self.path.rpartition(".")[0]


@dataclass(frozen=True, slots=True)
class Part:
    """Fields that belong together."""

    title: str
    fields: tuple[Field, ...]
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Sheet:
    """The form of one kind of thing, in its parts."""

    parts: tuple[Part, ...]

    def shown(self, document: Document, *, new: bool) -> list[Part]:
        """The parts and fields for this thing."""
        found = [
            Part(part.title, tuple(one for one in part.fields if _fits(one, document, new)), part.hint)
            for part in self.parts
        ]
        return [part for part in found if part.fields]

    def fields(self, document: Document, *, new: bool) -> Iterator[Field]:
        """All fields for this thing."""
        for part in self.shown(document, new=new):
            yield from part.fields

    def values(self, document: Document, *, new: bool) -> dict[str, str]:
        """What stands in each field, by its path."""
        return {field.path: field.told(document) for field in self.fields(document, new=new)}

    def patch(self, what: str, base: Document, typed: Mapping[str, str], *, new: bool) -> Document:
        """The merge patch from `base` to what was typed. Raises RegistryError that names each field."""
        fields = list(self.fields(base, new=new))
        texts = {field.path: typed.get(field.path, "").replace("\r\n", "\n").strip() for field in fields}
        patch: Document = {}
        faults = []
        for field in fields:
            text = texts[field.path]
            if text == field.told(base):
                continue
            try:
                _put(patch, field.path, field.way.read(text) if text else None)
            except ValueError as error:
                faults.append(Fault(field.path, None if field.way.lines else text[:60], str(error)))
        if faults:
            raise refused(what, *faults)
        for name in {field.object for field in fields if field.object} & patch.keys():
            members = [field for field in fields if field.object == name]
            keys = [field for field in members if field.keys] or members
            if not any(texts[field.path] for field in keys):
                patch[name] = None
        return patch

    def changes(self, before: Document, after: Document, *, new: bool = False) -> list[tuple[str, str, str]]:
        """The label of each field that differs, with what it was and is."""
        return [
            (field.label, field.said(before), field.said(after))
            for field in self.fields({**before, **after}, new=new)
            if field.told(before) != field.told(after)
        ]

    def problems(self, error: RegistryError, document: Document, *, new: bool) -> list[tuple[str, str]]:
        """Each fault as (path of the field, empty if it is of none; sentence)."""
        fields = {field.path: field for field in self.fields(document, new=new)}
        found = []
        for fault in error.faults:
            path = _place(fault, fields)
            rule = _plain(fault.rule, path)
            value = "" if fault.value is None or repr(fault.value) in rule else f" (found {fault.value!r})"
            label = fields[path].label if path else fault.field if fault.field not in ("file", "body") else ""
            found.append(
                (path, f"{label}: {rule}{value}" if label else f"{rule[:1].upper()}{rule[1:]}{value}")
            )
        return found


def _fits(field: Field, document: Document, new: bool) -> bool:
    return (new or not field.made_with) and field.counting in ("", document.get("counting"))


def _put(patch: Document, path: str, value: Any) -> None:
    *objects, name = path.split(".")
    for each in objects:
        patch = patch.setdefault(each, {})
    patch[name] = value


def _place(fault: Fault, fields: Mapping[str, Field]) -> str:
    """The field that a fault is about: by its place, or else by the members that its rule names."""
    plain = re.sub(r"\[[^\]]*\]", "", fault.field)
    for path in (plain, *(plain.rsplit(".", cut)[0] for cut in range(1, plain.count(".") + 1))):
        if path in fields:
            return path
    named = [name.strip(".") for name in re.findall(r"[a-z_.]+", fault.rule)]
    for name in (plain, *named):
        found = next((path for path in fields if path == name or path.startswith(f"{name}.")), "")
        if found:
            return found
    return ""


def _plain(rule: str, path: str) -> str:
    """A rule in the words of a form; the member that it begins with is in the label already."""
    for old, new in _PLAIN:
        rule = rule.replace(old, new)
    for name in (path, path.partition(".")[0]):
        if name and re.match(rf"{re.escape(name)}\b[^.]", rule):
            quoted = re.match(rf"{re.escape(name)} '[^']*': |{re.escape(name)}:? ", rule)
            return rule if quoted is None else rule[quoted.end() :]
    return rule


_PLAIN: Final = (
    ("Input should be", "must be"),
    ("String should", "must"),
    ("Field required", "is missing"),
    ("Value should", "must"),
    ("Tuple should", "must"),
    ("Dictionary should", "must"),
)
