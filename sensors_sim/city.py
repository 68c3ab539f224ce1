"""The city as it is built: sites, bays, sensors, gateways, gates, cameras and signs, all from one seed.

A *space* is one place for one vehicle: a bay with a sensor, or one of a gated car park's unwatched spaces.
Spaces have one numbering, bays first, so that demand is one set of columns for all.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sensors_sim.layout import Places, place_sites
from sensors_sim.names import car_park_names, slug, street_names
from sensors_sim.profiles import Use

_STREAM = 10
"""Keeps the city's random numbers apart from those of demand and faults."""


class Radio(IntEnum):
    """How a sensor's word reaches the broker."""

    DIRECT = 0
    GATEWAY = 1
    TTS = 2
    CHIRPSTACK = 3


CODECS: dict[Radio, str] = {
    Radio.DIRECT: "parking-v1",
    Radio.GATEWAY: "parking-v1",
    Radio.TTS: "bosch-tps110",
    Radio.CHIRPSTACK: "pni-placepod",
}
_RADIO_SHARES: dict[Radio, float] = {
    Radio.DIRECT: 0.55,
    Radio.GATEWAY: 0.20,
    Radio.TTS: 0.15,
    Radio.CHIRPSTACK: 0.10,
}
_CATEGORY_SHARES = {
    "on_street": {"standard": 0.83, "disabled": 0.06, "electric": 0.05, "loading": 0.04, "motorcycle": 0.02},
    "off_street": {"standard": 0.85, "disabled": 0.06, "electric": 0.05, "parent": 0.04},
}
_USE_SHARES: dict[Use, float] = {
    Use.SHOPPING: 0.55,
    Use.RESIDENTIAL: 0.20,
    Use.OFFICE: 0.15,
    Use.STATION: 0.10,
}
_LORAWAN_HEARTBEATS = 4
"""LoRaWAN sensors save air time: their heartbeat is so many times our own sensors'."""

BAYS_PER_GATEWAY = 40
EUI_PREFIX = "70b3d57ed0"


@dataclass(frozen=True, slots=True)
class Gate:
    """One camera over one lane."""

    camera: str
    direction: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """One street or car park. Its spaces are `first` to `first + capacity - 1`."""

    id: str
    name: str
    kind: str
    counting: str
    use: Use
    location: tuple[float, float]
    first: int
    capacity: int
    initial_count: int = 0
    gates: tuple[Gate, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Sign:
    """A variable message sign, listed under one site and telling of `sites`."""

    id: str
    under: str
    sites: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class City:
    """All that stands still. Columns over bays: bay_ids to heartbeat_s; over spaces: site_of to pull."""

    seed: int
    sites: tuple[Site, ...]
    signs: tuple[Sign, ...]
    bay_ids: tuple[str, ...]
    device_ids: tuple[str, ...]
    categories: tuple[str, ...]
    locations: tuple[tuple[float, float], ...]
    radio: NDArray[np.int8]
    gateway: NDArray[np.int32]
    heartbeat_s: NDArray[np.float64]
    site_of: NDArray[np.int32]
    use: NDArray[np.int8]
    pull: NDArray[np.float64]

    @property
    def bays(self) -> int:
        """Bays with a sensor."""
        return len(self.bay_ids)

    @property
    def own_devices(self) -> list[str]:
        """The sensors that speak our own protocol, by themselves or by a gateway."""
        return [
            device
            for device, radio in zip(self.device_ids, self.radio.tolist(), strict=True)
            if radio < Radio.TTS
        ]

    @property
    def spaces(self) -> int:
        """Bays and the unwatched spaces of gated car parks."""
        return len(self.site_of)

    def gateway_id(self, gateway: int) -> str:
        """The name of a gateway in topics."""
        return f"gw-{gateway + 1:03d}"

    def registry(self) -> dict[str, Any]:
        """The registry file's document for this city."""
        return {"sites": [self._site_document(site) for site in self.sites]}

    def _site_document(self, site: Site) -> dict[str, Any]:
        lon, lat = site.location
        document: dict[str, Any] = {
            "id": site.id,
            "name": site.name,
            "kind": site.kind,
            "counting": site.counting,
            "timezone": "Europe/London",
            "location": {"lon": lon, "lat": lat},
        }
        if site.gates:
            document |= {
                "capacity": site.capacity,
                "initial_count": site.initial_count,
                # The city may live faster than ours, and then vehicles follow each other within moments.
                "gates": [
                    {"camera": gate.camera, "direction": gate.direction, "repeat_s": 0} for gate in site.gates
                ],
            }
        else:
            document["bays"] = [
                self._bay_document(bay) for bay in range(site.first, site.first + site.capacity)
            ]
        signs = [{"id": s.id, "sites": list(s.sites)} for s in self.signs if s.under == site.id]
        return document | ({"signs": signs} if signs else {})

    def _bay_document(self, bay: int) -> dict[str, Any]:
        lon, lat = self.locations[bay]
        return {
            "id": self.bay_ids[bay],
            "category": self.categories[bay],
            "location": {"lon": lon, "lat": lat},
            "sensor": {
                "id": self.device_ids[bay],
                "codec": CODECS[Radio(int(self.radio[bay]))],
                "heartbeat_s": int(self.heartbeat_s[bay]),
            },
        }


def build_city(*, seed: int, bays: int, sites: int, heartbeat_s: float = 900) -> City:
    """A town of `bays` watched bays in `sites` sites, a third of which are gated car parks besides.

    One site has bays alone; no bays makes a town of gated car parks alone.
    """
    rng = np.random.default_rng([seed, _STREAM])
    gated = sites if bays == 0 else min(sites // 3, sites - 1)
    lots = (sites - gated) // 4
    capacities = [*_split(rng, bays, sites - gated), *_car_park_capacities(rng, gated)]
    kinds = ["on_street"] * (sites - gated - lots) + ["off_street"] * (lots + gated)
    names = [*street_names(rng, sites - gated - lots), *car_park_names(rng, lots + gated)]
    places = place_sites(rng, capacities[: sites - gated], kinds)
    uses = _uses(rng, sites)
    built = tuple(
        _site(rng, names=names, kinds=kinds, uses=uses, capacities=capacities, places=places, index=index)
        for index in range(sites)
    )
    capacity = np.array(capacities, dtype=np.int64)
    site_of = np.repeat(np.arange(sites, dtype=np.int32), capacity)
    popularity = rng.uniform(0.7, 1.35, sites)
    radio = _radios(rng, bays)
    return City(
        seed=seed,
        sites=built,
        signs=tuple(_signs(built)),
        bay_ids=_bay_ids(built),
        device_ids=_device_ids(rng, radio),
        categories=_categories(rng, built),
        locations=places.bays,
        radio=radio,
        gateway=_gateways(radio, site_of[:bays]),
        heartbeat_s=np.where(radio >= Radio.TTS, _LORAWAN_HEARTBEATS, 1) * float(heartbeat_s),
        site_of=site_of,
        use=np.repeat(np.array(uses, dtype=np.int8), capacity),
        pull=np.repeat(popularity, capacity) * rng.uniform(0.6, 1.5, int(capacity.sum())),
    )


def _split(rng: np.random.Generator, total: int, parts: int) -> list[int]:
    """Sizes that add up to `total`, uneven as streets are, none empty if there are enough."""
    if parts == 0:
        return []
    weights = rng.uniform(0.5, 1.6, parts)
    least = min(1, total // parts)
    edges = np.rint(np.cumsum(weights) / weights.sum() * (total - least * parts)).astype(int)
    return [int(size) + least for size in np.diff(edges, prepend=0)]


def _car_park_capacities(rng: np.random.Generator, count: int) -> list[int]:
    return [int(size) for size in rng.integers(8, 37, count) * 10]


def _uses(rng: np.random.Generator, sites: int) -> list[Use]:
    """Kinds of place in their shares as closely as the number of sites allows."""
    return [Use(int(use)) for use in _shuffled_shares(rng, _USE_SHARES, sites)]


def _shuffled_shares(rng: np.random.Generator, shares: dict[Any, float], count: int) -> NDArray[np.int64]:
    """`count` keys (as numbers) in exact shares, in random order; each key at least once if there is room."""
    edges = np.rint(np.cumsum(list(shares.values())) * count).astype(int)
    sizes = np.diff(edges, prepend=0)
    while count >= len(sizes) and (sizes == 0).any():
        sizes[sizes.argmax()] -= 1
        sizes[sizes.argmin()] += 1
    return rng.permutation(np.repeat(np.array([int(key) for key in shares]), sizes))


def _site(
    rng: np.random.Generator,
    *,
    names: list[str],
    kinds: list[str],
    uses: list[Use],
    capacities: list[int],
    places: Places,
    index: int,
) -> Site:
    gated = index >= places.with_bays
    name, capacity = names[index], capacities[index]
    return Site(
        id=slug(name),
        name=name,
        kind=kinds[index],
        counting="gates" if gated else "bays",
        use=uses[index],
        location=places.sites[index],
        first=sum(capacities[:index]),
        capacity=capacity,
        initial_count=int(capacity * rng.uniform(0.25, 0.6)) if gated else 0,
        gates=_gates(slug(name), capacity) if gated else (),
    )


def _gates(site: str, capacity: int) -> tuple[Gate, ...]:
    lanes = 2 if capacity >= 300 else 1
    return tuple(
        Gate(f"{site}-{direction}-{lane}", direction)
        for direction in ("in", "out")
        for lane in range(1, lanes + 1)
    )


def _signs(sites: tuple[Site, ...]) -> list[Sign]:
    """One sign for each car park, and one at each approach for up to four of them together."""
    parks = [site.id for site in sites if site.kind == "off_street"]
    signs = [
        Sign(id=f"vms-{number:02d}", under=park, sites=(park,)) for number, park in enumerate(parks, start=1)
    ]
    groups = [parks[at : at + 4] for at in range(0, len(parks), 4)]
    return signs + [
        Sign(id=f"vms-approach-{number}", under=group[0], sites=tuple(group))
        for number, group in enumerate(groups, start=1)
        if len(group) > 1
    ]


def _bay_ids(sites: tuple[Site, ...]) -> tuple[str, ...]:
    return tuple(
        f"{site.id}-{number:03d}"
        for site in sites
        if site.counting == "bays"
        for number in range(1, site.capacity + 1)
    )


def _radios(rng: np.random.Generator, bays: int) -> NDArray[np.int8]:
    """The radio of each bay, the same along a stretch of street, as sensors are bought."""
    stretch = max(1, min(10, bays // 20))
    stretches = _shuffled_shares(rng, _RADIO_SHARES, -(-bays // stretch))
    return np.repeat(stretches, stretch)[:bays].astype(np.int8)


def _gateways(radio: NDArray[np.int8], site_of: NDArray[np.int32]) -> NDArray[np.int32]:
    """The gateway of each bay that has one, -1 for the others: within a site, so many bays to each."""
    gateway = np.full(len(radio), -1, dtype=np.int32)
    number = 0
    for site in np.unique(site_of):
        members = np.flatnonzero((site_of == site) & (radio == Radio.GATEWAY))
        for at in range(0, len(members), BAYS_PER_GATEWAY):
            gateway[members[at : at + BAYS_PER_GATEWAY]] = number
            number += 1
    return gateway


def _device_ids(rng: np.random.Generator, radio: NDArray[np.int8]) -> tuple[str, ...]:
    """Our sensors have a short serial number, LoRaWAN sensors an EUI-64 in lower case."""
    base = int(rng.integers(0, 1 << 23))
    return tuple(
        f"{EUI_PREFIX}{base + bay:06x}" if kind >= Radio.TTS else f"ps-{base + bay:06x}"
        for bay, kind in enumerate(radio.tolist())
    )


def _categories(rng: np.random.Generator, sites: tuple[Site, ...]) -> tuple[str, ...]:
    found: list[str] = []
    for site in sites:
        if site.counting == "bays":
            shares = _CATEGORY_SHARES[site.kind]
            found += rng.choice(list(shares), site.capacity, p=list(shares.values())).tolist()
    return tuple(found)
