"""Places by name: where people want to go. A council's own file of them, and the names of its sites."""

import csv
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from parking.errors import SettingsError

MOST_PLACES = 200_000
_COORDINATES = re.compile(r"\s*(-?\d{1,2}(?:\.\d+)?)\s*[,; ]\s*(-?\d{1,3}(?:\.\d+)?)\s*")


@dataclass(frozen=True, slots=True)
class NamedPlace:
    """Somewhere that people know by name, WGS 84 degrees."""

    name: str
    lat: float
    lon: float


class Gazetteer:
    """Finds places by what people type, without a request to anybody."""

    def __init__(self, places: Iterable[NamedPlace]) -> None:
        self._places = sorted(set(places), key=lambda place: (len(place.name), place.name))
        self._folded = [_fold(place.name) for place in self._places]

    def __len__(self) -> int:
        return len(self._places)

    def find(self, text: str, *, most: int = 5) -> list[NamedPlace]:
        """The places that a text means, the likeliest first; also degrees as `lat, lon`.

        A name that is the text comes before one that begins with it, then one that has all its words.
        """
        typed = _COORDINATES.fullmatch(text)
        if typed is not None:
            lat, lon = map(float, typed.groups())
            return [NamedPlace(text.strip(), lat, lon)] if abs(lat) <= 90 and abs(lon) <= 180 else []
        wanted = _fold(text)
        if not wanted:
            return []
        words = wanted.split()
        ranked = [
            (rank, place)
            for place, name in zip(self._places, self._folded, strict=True)
            if (rank := _rank(name, wanted, words)) is not None
        ]
        return [place for _, place in sorted(ranked, key=lambda found: found[0])[:most]]


def load_places(path: Path) -> list[NamedPlace]:
    """Read a CSV file with the columns name, lat and lon. Raises SettingsError that names each bad line."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.DictReader(file)
            missing = {"name", "lat", "lon"} - set(rows.fieldnames or ())
            if missing:
                raise SettingsError(
                    f"{path} lacks the column{'s' if len(missing) > 1 else ''} {', '.join(sorted(missing))}",
                    hint="Its first line must be: name,lat,lon",
                )
            return _places(path, list(rows))
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise SettingsError(f"{path} is not UTF-8 (byte {error.start})", hint="Save it as UTF-8.") from error


def _places(path: Path, rows: Sequence[dict[str, str]]) -> list[NamedPlace]:
    if len(rows) > MOST_PLACES:
        raise SettingsError(f"{path} has {len(rows)} places; {MOST_PLACES} at most")
    places, bad = [], []
    for number, row in enumerate(rows, start=2):
        try:
            place = NamedPlace(row["name"].strip(), float(row["lat"]), float(row["lon"]))
        except (AttributeError, TypeError, ValueError):
            bad.append(f"line {number}: lat {row['lat']!r:.20} and lon {row['lon']!r:.20} must be numbers")
            continue
        if not place.name:
            bad.append(f"line {number}: name is empty")
        elif not (abs(place.lat) <= 90 and abs(place.lon) <= 180):
            bad.append(f"line {number}: {place.lat}, {place.lon} is nowhere on earth")
        else:
            places.append(place)
    if bad:
        raise SettingsError(f"{path} cannot be used:\n  " + "\n  ".join(bad[:20]))
    return places


def _rank(name: str, wanted: str, words: list[str]) -> int | None:
    if name == wanted:
        return 0
    if name.startswith(wanted):
        return 1
    if all(any(part.startswith(word) for part in name.split()) for word in words):
        return 2
    return None


def _fold(text: str) -> str:
    """Without capitals, accents and punctuation: `Castle-Mews'` and `castle mews` are one."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    kept = "".join(character for character in plain if not unicodedata.combining(character))
    return " ".join(re.sub(r"[^\w]+", " ", kept.replace("'", "").replace("’", "")).split())
