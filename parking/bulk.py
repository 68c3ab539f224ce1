"""Bays and sites from CSV and GeoJSON: each row is a merge patch of one thing, with its line."""

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from parking.errors import Fault, RegistryError
from parking.registry_documents import Document

BAY: Final = {
    "category": ("category",),
    "lon": ("location", "lon"),
    "lat": ("location", "lat"),
    "max_stay_min": ("max_stay_min",),
    "sensor": ("sensor", "id"),
    "codec": ("sensor", "codec"),
    "heartbeat_s": ("sensor", "heartbeat_s"),
}
"""Columns of a row with a `bay`, beside `site`, and the members of a bay that they are."""
SITE: Final = {
    **{
        name: (name,)
        for name in (
            *("name", "kind", "counting", "timezone", "status", "capacity", "initial_count", "zone"),
            *("address", "operator", "opening_hours", "max_height_m", "max_stay_min", "url"),
        )
    },
    "lon": ("location", "lon"),
    "lat": ("location", "lat"),
    "free": ("tariff", "free"),
    "per_hour": ("tariff", "per_hour"),
    "currency": ("tariff", "currency"),
    "tariff": ("tariff", "text"),
}
"""Columns of a row without a `bay`, and the members of a site that they are."""
_SPACE = re.compile(r"[ \t\r\n]*")
_COORDINATES: Final = 2


@dataclass(frozen=True, slots=True)
class Row:
    """One bay (`bay` its id) or one site (None) of a file; `patch` changes what there is of it."""

    line: int
    site: str
    bay: str | None
    patch: Document


@dataclass(slots=True)
class Rows:
    """What a file holds, and what of it cannot be used."""

    rows: list[Row]
    faults: list[Fault]


def from_csv(text: str, *, skip: Iterable[str] = ()) -> Rows:
    """Rows of a CSV file with a header; commas, semicolons or tabs between."""
    lines = text.removeprefix("\ufeff")
    header, _, _ = lines.partition("\n")
    reader = csv.reader(io.StringIO(lines, newline=""), delimiter=max(",;\t", key=header.count))
    found = Rows([], [])
    try:
        names = [name.strip().lower() for name in next(reader, [])]
        if "site" not in names:
            return Rows([], [Fault("site", None, "is a column that must be there", line=1)])
        if unusable := _unknown(names, skip, line=1):
            return Rows([], unusable)
        for values in reader:
            if len(values) > len(names):
                rule = f"has {len(values)} values, and there are {len(names)} columns"
                found.faults.append(Fault("row", None, rule, line=reader.line_num))
            elif any(value.strip() for value in values):
                given = {name: value.strip() or None for name, value in zip(names, values, strict=False)}
                _add(found, given, line=reader.line_num)
    except csv.Error as error:
        found.faults.append(Fault("row", None, f"is not CSV: {error}", line=reader.line_num))
    return found


def from_geojson(text: str, *, skip: Iterable[str] = ()) -> Rows:
    """Rows of a FeatureCollection: points, or areas, whose middle counts. Raises RegistryError."""
    others, features = elements(text, "features")
    if others.get("type") != "FeatureCollection":
        raise unreadable(Fault("type", _brief(others.get("type")), "must be FeatureCollection", line=1))
    if (crs := _crs(others)) and not re.search(r"CRS84|4326|WGS", crs):
        raise unreadable(Fault("crs", crs, "must be WGS 84 (longitude, latitude): convert the file", line=1))
    found = Rows([], [])
    for line, feature in features:
        properties = (feature.get("properties") or {}) if isinstance(feature, dict) else None
        if not isinstance(properties, dict):
            found.faults.append(Fault("feature", _brief(feature), "must be a GeoJSON feature", line=line))
            continue
        if unusable := _unknown(properties, skip, line=line):
            found.faults += unusable
            continue
        place = _middle(feature.get("geometry"))
        if isinstance(place, str):
            found.faults.append(Fault("geometry", None, place, line=line))
            continue
        _add(found, {**{name.lower(): value for name, value in properties.items()}, **place}, line=line)
    return found


def elements(text: str, member: str) -> tuple[dict[str, Any], list[tuple[int, Any]]]:
    """A JSON object: its other members, and each element of this one with its line. Raises RegistryError."""
    try:
        others, found = _Scan(text).run(member)
        if found is None:
            raise unreadable(Fault(member, _brief(others.get(member)), "must be a list", line=1))
        return others, found
    except json.JSONDecodeError as error:
        raise unreadable(Fault("file", None, f"is not JSON: {error.msg}", line=error.lineno)) from error
    except RecursionError as error:
        raise unreadable(Fault("file", None, "is not JSON that can be read: too deep", line=1)) from error


def unreadable(*faults: Fault) -> RegistryError:
    """The error of a file that has these faults."""
    more = "s" if len(faults) > 1 else ""
    return RegistryError(f"The file has {len(faults)} problem{more}; nothing was loaded", faults=faults)


class _Scan:
    """Reads the outermost object of a JSON text piece by piece, so that the lines are known."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._decode = json.JSONDecoder().raw_decode
        self._at = 0
        self._line, self._counted = 1, 0

    def run(self, member: str) -> tuple[dict[str, Any], list[tuple[int, Any]] | None]:
        """The other members, and the elements of this one; None where it is no list."""
        others: dict[str, Any] = {}
        found: list[tuple[int, Any]] | None = None
        if not self._next("{"):
            value, _ = self._decode(self._text, self._at)
            raise json.JSONDecodeError(f"an object is wanted, not {_brief(value)}", self._text, self._at)
        for key in self._members():
            if key == member and self._next("["):
                found = list(self._elements())
            else:
                others[key], self._at = self._decode(self._text, self._at)
        self._skip()
        if self._at != len(self._text):
            raise json.JSONDecodeError("there is more behind the end", self._text, self._at)
        return others, found

    def _members(self) -> Iterator[str]:
        if self._next("}"):
            return
        while True:
            self._skip()
            key, self._at = self._decode(self._text, self._at)
            if not isinstance(key, str):
                raise json.JSONDecodeError("the name of a member is wanted", self._text, self._at)
            self._must(":")
            self._skip()
            yield key
            if self._next("}"):
                return
            self._must(",")

    def _elements(self) -> Iterator[tuple[int, Any]]:
        if self._next("]"):
            return
        while True:
            self._skip()
            self._line += self._text.count("\n", self._counted, self._at)
            self._counted = self._at
            value, self._at = self._decode(self._text, self._at)
            yield self._line, value
            if self._next("]"):
                return
            self._must(",")

    def _skip(self) -> None:
        space = _SPACE.match(self._text, self._at)
        assert space is not None, "it matches nothing too"
        self._at = space.end()

    def _next(self, character: str) -> bool:
        self._skip()
        if not self._text.startswith(character, self._at):
            return False
        self._at += 1
        return True

    def _must(self, character: str) -> None:
        if not self._next(character):
            raise json.JSONDecodeError(f"{character} is wanted", self._text, self._at)


def _unknown(names: Iterable[str], skip: Iterable[str], *, line: int) -> list[Fault]:
    """Columns that nobody knows: a mistyped one would be lost without a word."""
    skipped = {name.lower() for name in skip}
    lower = [name.lower() for name in names]
    known = {"site", "bay", *(BAY if "bay" in lower else SITE)}
    rule = f"is none of {', '.join(sorted(known))}; name it in `skip` if it is not meant for us"
    return [
        Fault(name[:60], None, rule, line=line) for name in lower if name not in known and name not in skipped
    ]


def _add(found: Rows, given: Mapping[str, Any], *, line: int) -> None:
    site, bay = given.get("site"), given.get("bay")
    wanted = {"site": site, "bay": bay} if "bay" in given else {"site": site}
    for name, value in wanted.items():
        if not isinstance(value, str) or "\0" in value:
            found.faults.append(Fault(name, _brief(value), "must be an id", line=line))
            return
    assert isinstance(site, str)
    members = SITE if bay is None else BAY
    patch: Document = {}
    for name, path in members.items():
        if name in given:
            place = patch
            for step in path[:-1]:
                place = place.setdefault(step, {})
            place[path[-1]] = given[name]
    for name, value in patch.items():
        if isinstance(value, dict) and all(one is None for one in value.values()):
            patch[name] = None
    if isinstance(patch.get("sensor"), dict) and "id" in patch["sensor"] and patch["sensor"]["id"] is None:
        patch["sensor"] = None
    found.rows.append(Row(line, site, bay, patch))


def _middle(geometry: Any) -> dict[str, Any] | str:
    """Where a feature is, or why that cannot be told; nothing where it has no geometry."""
    if geometry is None:
        return {}
    rule = "must be a Point or a Polygon of longitudes and latitudes"
    try:
        kind, places = geometry["type"], geometry["coordinates"]
        ring: list[Any] = {"Point": [places], "Polygon": places[0]}[kind]
        ring = ring[:-1] or ring  # the last place of an area is its first
        sums = [sum(float(place[axis]) for place in ring) / len(ring) for axis in range(_COORDINATES)]
    except (KeyError, TypeError, ValueError, IndexError, ZeroDivisionError, OverflowError):
        return rule
    if abs(sums[0]) > 180 or abs(sums[1]) > 90:
        return f"{rule}; {sums[0]:.0f}, {sums[1]:.0f} looks like metres of a national grid: convert the file"
    return {"lon": sums[0], "lat": sums[1]}


def _crs(others: Mapping[str, Any]) -> str:
    crs = others.get("crs")
    if not crs:
        return ""
    named = crs.get("properties", {}).get("name") if isinstance(crs, dict) else crs
    return str(named)[:100]


def _brief(value: Any) -> str | None:
    return None if value is None else str(value)[:60]
