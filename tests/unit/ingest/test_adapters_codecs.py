"""The vendors' payloads: our own small vectors."""

import pytest

from ingest.adapters.base import Reading
from ingest.adapters.codecs import CODECS
from parking.errors import Rejection
from parking.model import EventKind, Occupancy

VACANT, OCCUPIED = Occupancy.VACANT, Occupancy.OCCUPIED
CHANGE, HEARTBEAT, BOOT = EventKind.CHANGE, EventKind.HEARTBEAT, EventKind.BOOT

STARTUP = "000102030405060708090a0b" + "002702"

READINGS = [
    ("bosch-tps110", 1, "00", [Reading(state=VACANT)]),
    ("bosch-tps110", 1, "01", [Reading(state=OCCUPIED)]),
    ("bosch-tps110", 2, "00", [Reading(state=VACANT, kind=HEARTBEAT)]),
    ("bosch-tps110", 2, "01fb", [Reading(state=OCCUPIED, kind=HEARTBEAT, temperature_c=-5)]),
    ("bosch-tps110", 2, "017f", [Reading(state=OCCUPIED, kind=HEARTBEAT)]),
    (
        "bosch-tps110",
        3,
        STARTUP + "0201",
        [Reading(state=OCCUPIED, kind=BOOT, firmware="0.39.2", reset_cause="power_on")],
    ),
    ("bosch-tps110", 3, STARTUP + "0900", [Reading(state=VACANT, kind=BOOT, firmware="0.39.2")]),
    ("pni-placepod", None, "156601", [Reading(state=OCCUPIED)]),
    ("pni-placepod", 2, "376600", [Reading(state=VACANT, kind=HEARTBEAT)]),
    ("pni-placepod", None, "0267ffec", [Reading(state=None, kind=HEARTBEAT, temperature_c=-2.0)]),
    ("pni-placepod", None, "03020168", [Reading(state=None, kind=HEARTBEAT, battery_v=3.6)]),
    ("pni-placepod", None, "0302ff00", [Reading(state=None, kind=HEARTBEAT)]),
    ("pni-placepod", None, "02677fff" + "156600", [Reading(state=VACANT)]),
    ("pni-placepod", None, "3f0101", [Reading(state=None, kind=BOOT)]),
    ("pni-placepod", None, "3f0100", [Reading(state=None, kind=HEARTBEAT)]),
    ("pni-placepod", None, "210080", [Reading(state=None, kind=BOOT)]),
    (
        "pni-placepod",
        None,
        "156601" + "156600" + "376601" + "03020168",
        [
            Reading(state=OCCUPIED, battery_v=3.6),
            Reading(state=VACANT, battery_v=3.6),
            Reading(state=OCCUPIED, kind=HEARTBEAT, battery_v=3.6),
        ],
    ),
    ("pni-placepod", None, "156601" + "fefe01", [Reading(state=OCCUPIED)]),
    ("pni-placepod", None, "156601" + "15", [Reading(state=OCCUPIED)]),
    ("pni-placepod", None, "156601" + "026701", [Reading(state=OCCUPIED)]),
    ("pni-placepod", None, "996601" + "156600", [Reading(state=VACANT)]),
    (
        "parking-v1",
        9,
        "1105070102000f0e1064fc",
        [
            Reading(
                state=OCCUPIED,
                age_s=15,
                previous_s=3600,
                battery_v=3.0,
                temperature_c=-4,
                session=7,
                seq=258,
            )
        ],
    ),
    ("parking-v1", None, "140003ff80", [Reading(state=None, kind=HEARTBEAT, session=3)]),
    (
        "parking-v1",
        None,
        "1303070102000f0000ff80" + "030103",
        [
            Reading(
                state=Occupancy.UNKNOWN,
                kind=BOOT,
                fault=True,
                age_s=15,
                session=7,
                seq=258,
                reset_cause="watchdog",
            )
        ],
    ),
]

REJECTED = [
    ("bosch-tps110", None, "01", "missing_fport"),
    ("bosch-tps110", 4, "01", "unknown_fport"),
    ("bosch-tps110", 1, "", "bad_length"),
    ("bosch-tps110", 1, "0100", "bad_length"),
    ("bosch-tps110", 1, "02", "out_of_range"),
    ("bosch-tps110", 2, "010203", "bad_length"),
    ("bosch-tps110", 3, STARTUP + "02", "bad_length"),
    ("bosch-tps110", 3, STARTUP + "0202", "out_of_range"),
    ("pni-placepod", None, "", "unreadable"),
    ("pni-placepod", None, "1566", "unreadable"),
    ("pni-placepod", None, "cafebabe", "unreadable"),
    ("pni-placepod", None, "996601", "unreadable"),
    ("pni-placepod", None, "156602", "out_of_range"),
    ("parking-v1", None, "", "truncated"),
    ("parking-v1", None, "21", "bad_version"),
    ("parking-v1", None, "15000000", "bad_type"),
]


@pytest.mark.parametrize(("codec", "fport", "payload", "expected"), READINGS)
def test_a_payload_gives_its_readings(
    codec: str, fport: int | None, payload: str, expected: list[Reading]
) -> None:
    assert list(CODECS[codec](bytes.fromhex(payload), fport)) == expected


@pytest.mark.parametrize(("codec", "fport", "payload", "code"), REJECTED)
def test_a_bad_payload_is_rejected_with_its_reason(
    codec: str, fport: int | None, payload: str, code: str
) -> None:
    with pytest.raises(Rejection) as caught:
        CODECS[codec](bytes.fromhex(payload), fport)
    assert caught.value.code == code
    assert caught.value.detail
