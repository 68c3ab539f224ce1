"""The registry file: what a council owns, as it comes from outside. Checked whole before anything is used."""

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, Field, ValidationError, model_validator

from parking.clock import CameraClock, TimeFrom
from parking.devices import DEVICE_TYPES, canonical_id
from parking.errors import RegistryError
from parking.lanes import PLATE_HELD
from parking.model import Counting, Direction, SiteStatus
from parking.opening import MAX_LENGTH, opening_hours
from parking.passages import SAME_PLATE
from parking.registry_parts import Location, Name, Strict, Text
from parking.registry_signs import Sign

MAX_PROBLEMS = 50
"""Problems listed at most; a file in quite another form would fill the screen."""


@cache
def _timezones() -> set[str]:
    return available_timezones()


def _known_timezone(name: str) -> str:
    if name not in _timezones():
        raise ValueError("not a time zone of the IANA database, such as Europe/London")
    return name


def _known_codec(name: str) -> str:
    if name not in DEVICE_TYPES:
        raise ValueError(f"not a codec of this version; it has {', '.join(sorted(DEVICE_TYPES))}")
    return name


Category = Annotated[str, Field(pattern=r"^[a-z][a-z_-]{0,31}$")]
"""A kind of space: standard, disabled, electric, loading, motorcycle, parent, resident, ..."""


class Sensor(Strict):
    """The device that watches a bay. `heartbeat_s` is the device type's own unless given."""

    id: Annotated[Name, AfterValidator(canonical_id)]
    codec: Annotated[str, AfterValidator(_known_codec)] = "parking-v1"
    heartbeat_s: int | None = Field(None, ge=1, le=30 * 86400)


class Bay(Strict):
    """One marked space."""

    id: Name
    category: Category = "standard"
    location: Location | None = None
    sensor: Sensor | None = None
    max_stay_min: int | None = Field(None, ge=1, le=1_000_000)


class Gate(Strict):
    """A camera over one lane, and which way vehicles pass it.

    `time` says whose time counts, by default by the rules of `parking.clock`; `timezone` is the camera's, the
    site's unless given. Alike plates read within `repeat_s` seconds are one vehicle: less where vehicles
    follow each other closely, 0 where the camera reads none twice.
    """

    camera: Name
    direction: Direction
    time: TimeFrom = TimeFrom.AUTO
    timezone: Annotated[str, AfterValidator(_known_timezone)] | None = None
    repeat_s: float = Field(
        SAME_PLATE.total_seconds(), ge=0, le=PLATE_HELD.total_seconds(), allow_inf_nan=False
    )


class Tariff(Strict):
    """What parking costs: `per_hour` in units of `currency`; `text` is what the board says."""

    free: bool | None = None
    per_hour: float | None = Field(None, ge=0, le=10_000, allow_inf_nan=False)
    currency: str = Field("GBP", pattern=r"^[A-Z]{3}$")
    text: Text | None = None


class Entrance(Location):
    """Where vehicles drive in."""

    name: Text | None = None


class Site(Strict):
    """A street or a car park.

    `opening_hours` says when the public may park, as OpenStreetMap writes it (`Mo-Sa 07:00-19:00; PH off`);
    without it, always. `spaces` is the number of marked spaces of each category, for a site counted at gates.
    Its plate tokens live for `pairing_window_min` minutes if that is less than PARKING_PAIRING_WINDOW_S.
    `empty_when_closed` says that nobody can be inside while it is closed, so that its count is known then.
    """

    id: Name
    name: Text
    kind: Literal["on_street", "off_street"]
    counting: Counting
    timezone: Annotated[str, AfterValidator(_known_timezone)] = "Europe/London"
    location: Location | None = None
    status: SiteStatus = SiteStatus.OPEN
    capacity: int | None = Field(None, ge=0, le=1_000_000)
    initial_count: int = Field(0, ge=0, le=1_000_000, description="vehicles inside when counting begins")
    zone: Name | None = None
    address: Text | None = None
    operator: Text | None = None
    opening_hours: str | None = Field(None, min_length=1, max_length=MAX_LENGTH)
    max_height_m: float | None = Field(None, gt=0, le=100, allow_inf_nan=False)
    max_stay_min: int | None = Field(None, ge=1, le=1_000_000)
    tariff: Tariff | None = None
    entrances: tuple[Entrance, ...] = Field((), max_length=50)
    url: str | None = Field(None, pattern=r"^https?://[^\s]+$", max_length=500)
    spaces: dict[Category, Annotated[int, Field(ge=0, le=1_000_000)]] = Field({}, max_length=50)
    pairing_window_min: int | None = Field(None, ge=1, le=30 * 1440)
    empty_when_closed: bool = False
    bays: tuple[Bay, ...] = ()
    gates: tuple[Gate, ...] = ()
    signs: tuple[Sign, ...] = ()

    @model_validator(mode="after")
    def _counting_fits(self) -> "Site":
        if self.counting is Counting.BAYS:
            if self.gates:
                raise ValueError("a site counted by bays has no gates")
            if self.pairing_window_min is not None or self.empty_when_closed:
                raise ValueError(
                    "pairing_window_min and empty_when_closed are for a site counted at its gates"
                )
            if self.capacity is not None and self.capacity != len(self.bays):
                raise ValueError(f"capacity {self.capacity} is not the number of bays, {len(self.bays)}")
        else:
            if self.capacity is None:
                raise ValueError("a site counted at its gates needs a capacity")
            if self.bays:
                raise ValueError("a site counted at its gates has no bays with sensors of their own")
            if self.initial_count > self.capacity:
                raise ValueError(f"initial_count {self.initial_count} is more than capacity {self.capacity}")
        return self

    @model_validator(mode="after")
    def _details_fit(self) -> "Site":
        if self.opening_hours is not None:
            try:
                opening_hours(self.opening_hours, self.timezone)
            except ValueError as error:
                raise ValueError(f"opening_hours {self.opening_hours[:60]!r}: {error}") from error
        if self.spaces:
            if self.counting is Counting.BAYS:
                raise ValueError("spaces are for a site counted at its gates; here each bay has its category")
            if (marked := sum(self.spaces.values())) > (self.capacity or 0):
                raise ValueError(f"spaces add up to {marked}, more than capacity {self.capacity}")
        return self


class Registry(Strict):
    """The whole file. Each id is used once among its kind."""

    sites: tuple[Site, ...]

    @model_validator(mode="after")
    def _ids_are_unique(self) -> "Registry":
        problems = list(_repeated(self)) + list(_dangling(self))
        if problems:
            raise ValueError("; ".join(problems[:MAX_PROBLEMS]))
        return self

    def signs(self) -> Iterator[tuple[Sign, tuple[str, ...]]]:
        """Each sign with the ids of the sites of which it tells."""
        for site in self.sites:
            for sign in site.signs:
                yield sign, sign.sites or (site.id,)


def _repeated(registry: Registry) -> Iterator[str]:
    ids: dict[str, Iterator[str]] = {
        "site": (site.id for site in registry.sites),
        "bay": (bay.id for site in registry.sites for bay in site.bays),
        "sensor": (bay.sensor.id for site in registry.sites for bay in site.bays if bay.sensor),
        "camera": (gate.camera for site in registry.sites for gate in site.gates),
        "sign": (sign.id for sign, _ in registry.signs()),
    }
    for kind, names in ids.items():
        seen: set[str] = set()
        for name in names:
            if name in seen:
                yield f"{kind} id {name!r} is used twice"
            seen.add(name)


def _dangling(registry: Registry) -> Iterator[str]:
    sites = {site.id for site in registry.sites}
    for sign, of in registry.signs():
        for site in of:
            if site not in sites:
                yield f"sign {sign.id!r} tells of site {site!r}, which is not in the file"


class Codecs:
    """Which device has which codec, by a registry that is not in a database."""

    def __init__(self, registry: Registry) -> None:
        sensors = (bay.sensor for site in registry.sites for bay in site.bays)
        self._codecs = {sensor.id: sensor.codec for sensor in sensors if sensor}

    def codec(self, device: str) -> str | None:
        """The codec of a device, None if it is not registered."""
        return self._codecs.get(device)


def camera_clocks(registry: Registry) -> dict[str, CameraClock]:
    """How far to trust the time of each camera at a gate."""
    return {
        gate.camera: CameraClock(gate.time, ZoneInfo(gate.timezone or site.timezone))
        for site in registry.sites
        for gate in site.gates
    }


def load_registry(path: Path) -> Registry:
    """Read and check a registry file. Raises RegistryError that lists every problem and its place."""
    try:
        text = path.read_bytes().decode("utf-8")
    except OSError as error:
        raise RegistryError(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise RegistryError(f"{path} is not UTF-8 (byte {error.start})", hint="Save it as UTF-8.") from error
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise RegistryError(f"{path} is not JSON: {error}") from error
    return parse_registry(document, source=str(path))


def parse_registry(document: Any, *, source: str) -> Registry:
    """Check a registry document. Raises RegistryError that lists every problem and its place."""
    try:
        return Registry.model_validate(document)
    except ValidationError as error:
        problems = tuple(_describe(document, item) for item in error.errors(include_url=False))
        raise RegistryError(
            f"{source} has {len(problems)} problem{'s' if len(problems) > 1 else ''}; nothing was loaded",
            problems=problems[:MAX_PROBLEMS],
            hint="Correct the file and import it again. `parking registry schema` prints its JSON Schema.",
        ) from error


def _describe(document: Any, item: Any) -> str:
    """The place, the nearest ids, the value and the rule."""
    place, ids, node = "", [], document
    for step in item["loc"]:
        place += f"[{step}]" if isinstance(step, int) else f".{step}" if place else str(step)
        try:
            node = node[step]
        except (KeyError, IndexError, TypeError):
            node = None
        if isinstance(node, dict) and isinstance(node.get("id"), str):
            ids.append(node["id"])
    value = "" if isinstance(item["input"], (dict, list)) else f" (found {str(item['input'])[:60]!r})"
    message = item["msg"].removeprefix("Value error, ")
    within = f" in {' / '.join(ids)}" if ids else ""
    return f"{place or 'file'}{within}: {message}{value}"


def json_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of the registry file."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **Registry.model_json_schema()}
