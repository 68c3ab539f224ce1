"""The table of sensor models."""

import pytest

from parking.availability import ttl
from parking.devices import DEVICE_TYPES, DeviceType


@pytest.mark.parametrize(
    ("codec", "ttl_s"), [("parking-v1", 2_250), ("bosch-tps110", 216_000), ("pni-placepod", 216_000)]
)
def test_a_last_word_stands_for_two_and_a_half_heartbeats(codec: str, ttl_s: int) -> None:
    assert ttl(DEVICE_TYPES[codec].heartbeat_s).total_seconds() == ttl_s


def test_each_type_is_found_by_its_codec() -> None:
    assert [(name, kind.codec) for name, kind in DEVICE_TYPES.items()] == [(n, n) for n in DEVICE_TYPES]


def test_the_table_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        DEVICE_TYPES["x"] = DeviceType(codec="x", vendor="x", model="x", heartbeat_s=1)  # type: ignore[index]
