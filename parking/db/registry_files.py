"""Imports whole files, all or nothing: what would change, every bad line, and the import itself."""

import hashlib
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from parking.bulk import Row, Rows, elements, from_csv, from_geojson, unreadable
from parking.db.audit import record
from parking.db.connect import Connection, statement
from parking.db.registry import import_registry
from parking.db.registry_read import read_sites
from parking.errors import ConflictError, Fault, RegistryError
from parking.registry import Registry, parse_registry
from parking.registry_documents import Document, flat, registry_document
from parking.registry_things import KINDS, PARTS, merged

_Bays = dict[str, dict[str, Document]]
FORMS: Final = ("registry", "geojson", "csv")
MOST_FAULTS = 1000
MOST_CHANGES = 1000
_ON_RECORD = 200
_ORDER: Final = ("sites", *PARTS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How a file is taken: `form` one of FORMS; `replace`: bays that it does not list are retired.

    `skip` names columns that are not for us; `sites` are the only ones that the actor may change (None: all).
    """

    form: str
    name: str
    actor: str
    dry_run: bool = False
    replace: bool = False
    skip: tuple[str, ...] = ()
    sites: tuple[str, ...] | None = None


class Changed(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that a file adds (`before` null), changes or removes (`after` null)."""

    kind: str
    id: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What a file changes; with `dry_run` nothing was. `left_out`: so many changes more are not listed."""

    dry_run: bool
    sites: int
    added: dict[str, int]
    changed: dict[str, int]
    removed: dict[str, int]
    changes: list[Changed]
    left_out: int


async def import_file(connection: Connection, data: bytes, options: Options) -> Report:
    """Import a file in a transaction, or say what it would change. Raises RegistryError: every bad line."""
    await connection.execute(statement("registry", "lock"))
    cursor = await connection.execute(statement("registry", "site_ids"))
    known = {site for (site,) in await cursor.fetchall()}
    text = _decoded(data)
    plan = _Plan(connection, options, known)
    registry, before = await (plan.whole(text) if options.form == "registry" else plan.rows(text))
    await plan.require_own(registry)
    changes = _changes(before, registry_document(registry)["sites"])
    report = _report(changes, sites=len(registry.sites), dry_run=options.dry_run)
    if changes and not options.dry_run:
        await import_registry(connection, registry)
        await _put_on_record(connection, options, report, registry, hashlib.sha256(data).hexdigest())
    return report


@dataclass(frozen=True, slots=True)
class _Plan:
    """From a text to a checked registry, and the documents of its sites as they are now."""

    connection: Connection
    options: Options
    known: Collection[str]

    async def whole(self, text: str) -> tuple[Registry, Iterable[Document]]:
        """A registry file: each site becomes as the file has it."""
        others, sites = elements(text, "sites")
        lines = [line for line, _ in sites]
        document = {**others, "sites": [site for _, site in sites]}
        registry = self._parsed(document, lines)
        before = await read_sites(self.connection, [site.id for site in registry.sites])
        self._same_counting(registry, before, lines)
        return registry, before.values()

    async def rows(self, text: str) -> tuple[Registry, Iterable[Document]]:
        """Rows of bays and sites: each changes what there is of it."""
        read = from_csv if self.options.form == "csv" else from_geojson
        found = read(text, skip=self.options.skip)
        before = await read_sites(self.connection, {row.site for row in found.rows})
        documents = {id: {**site, "bays": list(site["bays"])} for id, site in before.items()}
        _Rows(found, documents, replace=self.options.replace).apply()
        if found.faults:
            raise unreadable(*sorted(found.faults, key=lambda fault: fault.line or 0)[:MOST_FAULTS])
        first = {row.site: row.line for row in reversed(found.rows)}
        lines = [first.get(site, 1) for site in documents]
        registry = self._parsed({"sites": list(documents.values())}, lines)
        self._same_counting(registry, before, lines)
        return registry, before.values()

    def _parsed(self, document: Document, lines: list[int]) -> Registry:
        known = () if self.options.form == "registry" else self.known
        try:
            return parse_registry(document, source=self.options.name, known=known)
        except RegistryError as error:
            raise unreadable(*(_with_line(fault, lines) for fault in error.faults)) from error

    def _same_counting(self, registry: Registry, before: dict[str, Document], lines: list[int]) -> None:
        rule = "a site in use cannot change how it is counted; give the newly equipped one an id of its own"
        faults = [
            Fault("counting", site.counting, rule, within=site.id, line=line)
            for site, line in zip(registry.sites, lines, strict=True)
            if site.id in before and before[site.id]["counting"] != site.counting
        ]
        if faults:
            raise unreadable(*faults)

    async def require_own(self, registry: Registry) -> None:
        """Raise ConflictError for a site that is not the actor's, also one that would lose something."""
        if self.options.sites is None:
            return
        ids = {kind: [id for of, id, _ in _things(registry) if of == kind] for kind in ("sites", *PARTS)}
        devices = [bay.sensor.id for site in registry.sites for bay in site.bays if bay.sensor]
        cursor = await self.connection.execute(statement("registry", "owners"), {**ids, "devices": devices})
        told = {site for _, sites in registry.signs() for site in sites}
        touched = {*ids["sites"], *told, *(site for (site,) in await cursor.fetchall())}
        if beyond := sorted(touched.difference(self.options.sites)):
            raise ConflictError(f"This key is bound to other sites than {', '.join(beyond[:20])}.")


class _Rows:
    """Applies rows to the documents of sites, and notes on which lines that cannot be."""

    def __init__(self, found: Rows, documents: dict[str, Document], *, replace: bool) -> None:
        self._found = found
        self._documents = documents
        self._replace = replace
        self._lines: dict[tuple[str, str], int] = {}

    def apply(self) -> None:
        """Sites first, so that a file may bring both."""
        for row in self._found.rows:
            if row.bay is None and self._once(row, "site", row.site):
                self._site(row)
        now = {site: {bay["id"]: bay for bay in of["bays"]} for site, of in self._documents.items()}
        listed = {row.site for row in self._found.rows if row.bay is not None} if self._replace else set()
        bays: _Bays = {site: {} if site in listed else dict(of) for site, of in now.items()}
        for row in self._found.rows:
            if row.bay is not None and self._once(row, "bay", row.bay):
                self._bay(row, bays, now)
        for site, of in bays.items():
            self._documents[site]["bays"] = list(of.values())

    def _once(self, row: Row, kind: str, id: str) -> bool:
        first = self._lines.setdefault((kind, id), row.line)
        if first == row.line:
            return True
        self._found.faults.append(Fault(kind, id[:60], f"is on line {first} too", line=row.line))
        return False

    def _site(self, row: Row) -> None:
        site = self._documents.get(row.site, {"id": row.site, **{part: [] for part in PARTS}})
        own = {key: value for key, value in site.items() if key not in PARTS}
        try:
            settled = KINDS["sites"].checked(merged(own, row.patch), of=site)
        except RegistryError as error:
            self._found.faults += [fault._replace(line=row.line) for fault in error.faults]
            return
        self._documents[row.site] = {**settled, **{part: site[part] for part in PARTS}}

    def _bay(self, row: Row, bays: _Bays, now: _Bays) -> None:
        assert row.bay is not None
        if row.site not in bays:
            rule = "there is no site with this id, and none that can be used in the file"
            self._found.faults.append(Fault("site", row.site[:60], rule, line=row.line))
            return
        was = now[row.site].get(row.bay, {"id": row.bay})
        try:
            settled = KINDS["bays"].checked({**merged(was, row.patch), "site": row.site})
        except RegistryError as error:
            self._found.faults += [fault._replace(line=row.line) for fault in error.faults]
            return
        del settled["site"]
        if "sensor" in settled and not self._once(row, "sensor", settled["sensor"]["id"]):
            return
        bays[row.site][row.bay] = settled


def _decoded(data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise unreadable(Fault("file", None, "is not UTF-8: save it as UTF-8", line=line)) from error


def _with_line(fault: Fault, lines: list[int]) -> Fault:
    """A fault of the document with the line on which its site begins."""
    number = fault.field.partition("]")[0].removeprefix("sites[")
    known = number.isdecimal() and int(number) < len(lines)
    return fault._replace(line=lines[int(number)] if known else 1)


def _things(registry: Registry) -> list[tuple[str, str, Document]]:
    return list(flat(registry_document(registry)["sites"]))


def _changes(before: Iterable[Document], after: Iterable[Document]) -> list[Changed]:
    """What is added, changed and removed, in the order of kinds and ids."""
    was = {(kind, id): document for kind, id, document in flat(before)}
    then = {(kind, id): document for kind, id, document in flat(after)}
    for key in was.keys() & then.keys():
        if key[0] == "sites":
            # Counting began with what a file said first; later files change nothing of it.
            later = {name: value for name, value in then[key].items() if name != "initial_count"}
            then[key] = later | _began(was[key])
    return [
        Changed(kind=kind, id=id, before=was.get((kind, id)), after=then.get((kind, id)))
        for kind, id in sorted(was.keys() | then.keys(), key=lambda key: (_ORDER.index(key[0]), key[1]))
        if was.get((kind, id)) != then.get((kind, id))
    ]


def _began(site: Document) -> Document:
    return {"initial_count": site["initial_count"]} if "initial_count" in site else {}


def _report(changes: list[Changed], *, sites: int, dry_run: bool) -> Report:
    counts: dict[str, dict[str, int]] = {"added": {}, "changed": {}, "removed": {}}
    for one in changes:
        word = "added" if one.before is None else "removed" if one.after is None else "changed"
        counts[word][one.kind] = counts[word].get(one.kind, 0) + 1
    return Report(
        dry_run=dry_run,
        sites=sites,
        **counts,
        changes=changes[:MOST_CHANGES],
        left_out=max(0, len(changes) - MOST_CHANGES),
    )


async def _put_on_record(
    connection: Connection, options: Options, report: Report, registry: Registry, digest: str
) -> None:
    done = {
        "file": options.name,
        "sha256": digest,
        "sites": [site.id for site in registry.sites],
        "created": report.added,
        "changed": report.changed,
        "retired": report.removed,
        "changes": report.changes[:_ON_RECORD],
    }
    await record(
        connection,
        actor=options.actor,
        action="registry.import",
        subject="registry",
        before=None,
        after=done,
    )
