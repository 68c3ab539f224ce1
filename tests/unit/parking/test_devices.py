"""The table of sensor models."""

import re

import pytest

from parking.availability import ttl
from parking.devices import DEVICE_TYPES, DeviceType
from tests.support.services import PROJECT


@pytest.mark.parametrize(
    ("codec", "ttl_s"), [("parking-v1", 2_250), ("bosch-tps110", 216_000), ("netvox-r719a", 9_000)]
)
def test_a_last_word_stands_for_two_and_a_half_heartbeats(codec: str, ttl_s: int) -> None:
    assert DEVICE_TYPES[codec].ttl_s == ttl(DEVICE_TYPES[codec].heartbeat_s).total_seconds() == ttl_s


def test_the_page_about_sensors_has_every_model_with_its_times() -> None:
    page = (PROJECT / "docs" / "sensors.md").read_text()
    units = {"h": 3600, "min": 60}
    for codec, kind in DEVICE_TYPES.items():
        row = re.search(rf"^\| `{codec}` \| ([\d.]+) (h|min) \|.*\| ([\d.]+) (h|min) \|$", page, re.MULTILINE)
        assert row is not None, codec
        heartbeat, unit, stands, stands_unit = row.groups()
        assert float(heartbeat) * units[unit] == kind.heartbeat_s
        assert float(stands) * units[stands_unit] == kind.ttl_s
        assert codec == "parking-v1" or f"\n## {codec}\n" in page


def test_each_type_is_found_by_its_codec() -> None:
    assert [(name, kind.codec) for name, kind in DEVICE_TYPES.items()] == [(n, n) for n in DEVICE_TYPES]


def test_the_table_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        DEVICE_TYPES["x"] = DeviceType(codec="x", vendor="x", model="x", heartbeat_s=1)  # type: ignore[index]
