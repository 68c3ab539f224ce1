"""Names for streets and car parks that sound like a British town's and are nobody's."""

import numpy as np

_STEMS = (
    "Tallow", "Cooper", "Saddler", "Weaver", "Fuller", "Glover", "Chandler", "Orchard", "Mill", "Wharf",
    "Abbey", "Priory", "Bell", "Crown", "Swan", "Larch", "Rowan", "Hazel", "Alder", "Elder",
    "Quarry", "Foundry", "Lantern", "Harbour", "Canal", "Ferry", "Castle", "Tower", "Barley", "Maltings",
    "Heron", "Kestrel", "Linnet", "Wren", "Falcon", "Granary", "Cloister", "Beacon", "Anchor", "Compass",
)  # fmt: skip
_STREET_ENDS = ("Street", "Lane", "Road", "Row", "Hill", "Terrace", "Parade", "Avenue", "Place", "Gate")
_CAR_PARK_ENDS = ("Mews", "Yard", "Court", "Wharf", "Square", "Arcade", "Exchange", "Green")


def street_names(rng: np.random.Generator, count: int) -> list[str]:
    """`count` different street names."""
    return _names(rng, count, _STREET_ENDS)


def car_park_names(rng: np.random.Generator, count: int) -> list[str]:
    """`count` different names of car parks."""
    return _names(rng, count, _CAR_PARK_ENDS)


def slug(name: str) -> str:
    """The id that goes with a name: lower case, hyphens."""
    return name.lower().replace(" ", "-")


def _names(rng: np.random.Generator, count: int, ends: tuple[str, ...]) -> list[str]:
    plain = [f"{stem} {end}" for stem in _STEMS for end in ends if stem != end]
    # A town larger than the list has wards.
    wards = ["", *(f" Ward {number}" for number in range(2, 2 + count // len(plain)))]
    pool = [name + ward for ward in wards for name in plain]
    return [pool[index] for index in rng.permutation(len(pool))[:count]]
