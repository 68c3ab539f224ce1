"""Registries of every kind that a council might have, for tests of what is read back."""

from typing import Any

from hypothesis import strategies as st

from parking.clock import TimeFrom
from parking.devices import DEVICE_TYPES
from parking.registry import Registry, parse_registry
from parking.sign_rules import Layout, Mode

TEXT = st.text(st.characters(exclude_categories=("C", "Z")), min_size=1, max_size=20)
CATEGORIES = st.sampled_from(["standard", "disabled", "electric", "loading"])
LOCATIONS = st.fixed_dictionaries(
    {
        "lon": st.floats(-180, 180, allow_nan=False, allow_subnormal=False),
        "lat": st.floats(-90, 90, allow_nan=False, allow_subnormal=False),
    }
)
MINUTES = st.integers(1, 1_000_000)
ZONES = st.sampled_from(["Europe/London", "Europe/Paris"])

_Documents = st.SearchStrategy[dict[str, Any]]

_TARIFFS: _Documents = st.fixed_dictionaries(
    {},
    optional={
        "free": st.booleans(),
        "per_hour": st.floats(0, 10_000, allow_subnormal=False),
        "currency": st.sampled_from(["GBP", "EUR"]),
        "text": TEXT,
    },
)
_SITES: _Documents = st.fixed_dictionaries(
    {"name": TEXT, "kind": st.sampled_from(["on_street", "off_street"])},
    optional={
        "timezone": ZONES,
        "location": LOCATIONS,
        "status": st.sampled_from(["open", "closed"]),
        "zone": st.just("zone-1"),
        "address": TEXT,
        "operator": TEXT,
        "opening_hours": st.sampled_from(["Mo-Sa 07:00-19:00; PH off", "24/7"]),
        "max_height_m": st.floats(0.1, 100),
        "max_stay_min": MINUTES,
        "tariff": _TARIFFS,
        "entrances": st.lists(st.tuples(LOCATIONS, TEXT).map(lambda e: {**e[0], "name": e[1]}), max_size=2),
        "url": st.just("https://example.org/parking?a=b"),
    },
)
_SENSORS: _Documents = st.fixed_dictionaries(
    {}, optional={"codec": st.sampled_from(sorted(DEVICE_TYPES)), "heartbeat_s": st.integers(1, 86_400)}
)
_BAYS: _Documents = st.fixed_dictionaries(
    {},
    optional={"category": CATEGORIES, "location": LOCATIONS, "sensor": _SENSORS, "max_stay_min": MINUTES},
)
_GATES: _Documents = st.fixed_dictionaries(
    {"direction": st.sampled_from(["in", "out"])},
    optional={"time": st.sampled_from(sorted(TimeFrom)), "timezone": ZONES},
)
_WORDS = st.sampled_from(["FREE", "VOLL", "", "LLAWN"])
_THRESHOLDS = st.lists(st.integers(0, 50), min_size=4, max_size=4).map(
    lambda at: dict(
        zip(
            ("full_increasing", "full_decreasing", "almost_full_increasing", "almost_full_decreasing"),
            [*sorted(at)[:2], *(place + 1 for place in sorted(at)[2:])],
            strict=True,
        )
    )
)
_SIGNS: _Documents = st.fixed_dictionaries(
    {},
    optional={
        "name": TEXT,
        "location": LOCATIONS,
        "mode": st.sampled_from(sorted(Mode)),
        "layout": st.sampled_from(sorted(Layout)),
        "min": st.integers(1, 5),
        "max": st.integers(5, 99),
        "offset": st.integers(-5, 5),
        "thresholds": _THRESHOLDS,
        "texts": st.fixed_dictionaries({}, optional={"full": _WORDS, "unknown": _WORDS}),
        "trust": st.floats(0, 1),
        "schedule": st.lists(
            st.fixed_dictionaries({"hours": st.just("Mo-Fr 07:00-09:00")}, optional={"text": _WORDS}),
            max_size=2,
        ),
        "poll_s": st.integers(1, 4),
        "valid_s": st.integers(5, 60),
    },
)


@st.composite
def registries(draw: st.DrawFn) -> Registry:
    """Up to four sites with all that sites can have."""
    sites = [
        _site(draw, f"site-{number}", draw(_SITES), gates=draw(st.booleans()))
        for number in range(draw(st.integers(0, 4)))
    ]
    ids = [site["id"] for site in sites]
    for site in sites:
        for number, sign in enumerate(site["signs"]):
            sign["id"] = f"{site['id']}-sign-{number}"
            sign["sites"] = draw(st.lists(st.sampled_from(ids), unique=True))
    return parse_registry({"sites": sites}, source="made up")


def _site(draw: st.DrawFn, id: str, site: dict[str, Any], *, gates: bool) -> dict[str, Any]:
    if gates:
        capacity = draw(st.integers(0, 500))
        spaces = {"disabled": draw(st.integers(0, capacity))}
        lanes = draw(st.lists(_GATES, max_size=3))
        site |= {
            "counting": "gates",
            "capacity": capacity,
            "initial_count": draw(st.integers(0, capacity)),
            "spaces": spaces,
            "gates": [{"camera": f"{id}-cam-{number}", **lane} for number, lane in enumerate(lanes)],
        }
    else:
        bays = draw(st.lists(_BAYS, max_size=4))
        for number, bay in enumerate(bays):
            bay["id"] = f"{id}-bay-{number}"
            if "sensor" in bay:
                bay["sensor"] = {"id": f"{id}-device-{number}", **bay["sensor"]}
        site |= {"counting": "bays", "bays": bays}
    return {"id": id, **site, "signs": draw(st.lists(_SIGNS, max_size=2))}
