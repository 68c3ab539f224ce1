"""The vendors' payloads: our own small vectors."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.adapters.base import Reading
from ingest.adapters.codecs import CODECS
from parking.errors import Rejection
from parking.model import EventKind, Occupancy

VACANT, OCCUPIED = Occupancy.VACANT, Occupancy.OCCUPIED
CHANGE, HEARTBEAT, BOOT = EventKind.CHANGE, EventKind.HEARTBEAT, EventKind.BOOT

STARTUP = "11002200" + "00005500" + "01020000" + "002702"
CODES = "debug codes 17, 513"

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
        [Reading(state=OCCUPIED, kind=BOOT, firmware="0.39.2", reset_cause="power_on", health=CODES)],
    ),
    (
        "bosch-tps110",
        3,
        STARTUP + "0900",
        [Reading(state=VACANT, kind=BOOT, firmware="0.39.2", health=CODES)],
    ),
    ("bosch-tps110", 3, "00" * 12 + "0019000000", [Reading(state=VACANT, kind=BOOT, firmware="0.25.0")]),
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
    ("nwave-nps405", 1, "00", [Reading(state=VACANT, previous_s=0)]),
    ("nwave-nps405", 1, "03", [Reading(state=OCCUPIED, previous_s=60)]),
    ("nwave-nps405", 1, "b3", [Reading(state=OCCUPIED, previous_s=89 * 60)]),
    ("nwave-nps405", 1, "b4", [Reading(state=VACANT, previous_s=90 * 60)]),
    ("nwave-nps405", 1, "ef", [Reading(state=OCCUPIED, previous_s=(90 + 29 * 5) * 60)]),
    ("nwave-nps405", 1, "f0", [Reading(state=VACANT, previous_s=4 * 3600)]),
    ("nwave-nps405", 1, "fd", [Reading(state=OCCUPIED, previous_s=10 * 3600)]),
    ("nwave-nps405", 1, "fe", [Reading(state=VACANT)]),
    (
        "nwave-nps405",
        2,
        "01c81e000000",
        [Reading(state=OCCUPIED, kind=HEARTBEAT, battery_v=3.3, battery_low=False, temperature_c=25.0)],
    ),
    (
        "nwave-nps405",
        2,
        "0a64e2000000",
        [
            Reading(
                state=VACANT,
                kind=HEARTBEAT,
                battery_v=2.9,
                battery_low=True,
                temperature_c=-5.0,
                health="hardware status 5",
            )
        ],
    ),
    (
        "nwave-nps405",
        2,
        "0064e1000000",
        [Reading(state=VACANT, kind=HEARTBEAT, battery_v=2.9, battery_low=False, temperature_c=-5.5)],
    ),
    (
        "nwave-nps405",
        3,
        "0205010101",
        [Reading(state=OCCUPIED, kind=BOOT, firmware="2.5.1", reset_cause="watchdog")],
    ),
    ("nwave-nps405", 3, "0205010400", [Reading(state=VACANT, kind=BOOT, firmware="2.5.1")]),
    ("nwave-nps405", 6, "", [Reading(state=None, kind=HEARTBEAT)]),
    ("nwave-nps405", 6, "0102", [Reading(state=None, kind=HEARTBEAT)]),
    ("nwave-nps405", 10, "0511223344", [Reading(state=OCCUPIED, previous_s=120)]),
    ("nwave-nps405", 10, "0411223344", [Reading(state=None, kind=HEARTBEAT)]),
    (
        "libelium-smart-parking",
        None,
        "c00719" + "010203040506" + "0064",
        [Reading(state=OCCUPIED, battery_low=True, battery_v=3.2, temperature_c=25)],
    ),
    (
        "libelium-smart-parking",
        4,
        "0008" + "00f6" + "00" * 7,
        [Reading(state=VACANT, battery_low=False, temperature_c=-10)],
    ),
    (
        "libelium-smart-parking",
        None,
        "0008" + "0719" + "00" * 6 + "01",
        [Reading(state=VACANT, battery_low=False, health="sensor error 7")],
    ),
    (
        "libelium-smart-parking",
        None,
        "8109" + "170bfb" + "010203040506",
        [Reading(state=OCCUPIED, kind=HEARTBEAT, battery_low=False, temperature_c=-5)],
    ),
    (
        "libelium-smart-parking",
        None,
        "0109" + "0010fb" + "010203040506",
        [Reading(state=VACANT, kind=HEARTBEAT, battery_low=False, temperature_c=16)],
    ),
    (
        "libelium-smart-parking",
        None,
        "0210" + "000100020003" + "040000",
        [Reading(state=VACANT, kind=HEARTBEAT, battery_low=False, health="4 resets in a day")],
    ),
    (
        "libelium-smart-parking",
        None,
        "8311" + "0c14" + "010203040506" + "c8",
        [
            Reading(
                state=OCCUPIED,
                kind=HEARTBEAT,
                battery_low=False,
                battery_v=3.6,
                temperature_c=20,
                fault=True,
                health="error of X axis, clock",
            )
        ],
    ),
    (
        "libelium-smart-parking",
        None,
        "0311" + "3014" + "010203040506" + "c8",
        [
            Reading(
                state=VACANT,
                kind=HEARTBEAT,
                battery_low=False,
                battery_v=3.6,
                temperature_c=20,
                health="error of LoRaWAN radio, Sigfox radio",
            )
        ],
    ),
    (
        "libelium-smart-parking",
        None,
        "0400" + "15" + "010203040506" + "0e10",
        [Reading(state=VACANT, kind=BOOT, battery_low=False, battery_v=3.6, temperature_c=21)],
    ),
    (
        "libelium-smart-parking",
        None,
        "8501" + "09" + "0102030405060708",
        [Reading(state=OCCUPIED, kind=BOOT, battery_low=False, firmware="9")],
    ),
    (
        "libelium-smart-parking",
        None,
        "0702" + "000012" + "010203040506",
        [Reading(state=VACANT, kind=HEARTBEAT, battery_low=False, temperature_c=18)],
    ),
    (
        "libelium-smart-parking",
        None,
        "0702" + "001512" + "010203040506",
        [Reading(state=VACANT, kind=HEARTBEAT, battery_low=False)],
    ),
    (
        "libelium-smart-parking",
        None,
        "8f02" + "ff" * 9,
        [Reading(state=OCCUPIED, kind=HEARTBEAT, battery_low=False)],
    ),
    ("libelium-smart-parking", None, "8001" + "ff" * 10, [Reading(state=OCCUPIED, battery_low=False)]),
    (
        "libelium-smart-parking",
        None,
        "0400" + "ff" * 8 + "0e10",
        [Reading(state=VACANT, kind=BOOT, battery_low=False, battery_v=3.6)],
    ),
    (
        "libelium-smart-parking",
        None,
        "0300" + "02" + "ff" * 9,
        [Reading(state=VACANT, kind=HEARTBEAT, battery_low=False, fault=True, health="error of Y axis")],
    ),
    (
        "dingtek-do20x",
        3,
        "8000020215" + "0064" + "1000" + "0168" + "000100020003" + "00070081",
        [Reading(state=OCCUPIED, battery_v=3.6, battery_low=False)],
    ),
    (
        "dingtek-do20x",
        3,
        "8000310117" + "0064" + "0111" + "0140" + "000100020003" + "fb32" + "00070081",
        [
            Reading(
                state=VACANT,
                kind=HEARTBEAT,
                battery_v=3.2,
                battery_low=True,
                temperature_c=-5,
                health="level and magnet alarm",
            )
        ],
    ),
    (
        "dingtek-do20x",
        3,
        "8000320117" + "0064" + "1000" + "0168" + "000100020003" + "7f32" + "00070081",
        [Reading(state=OCCUPIED, kind=HEARTBEAT, battery_v=3.6, battery_low=False)],
    ),
    (
        "dingtek-do20x",
        3,
        "8000320310" + "0203" + "06" + "00000000000000" + "81",
        [Reading(state=None, kind=HEARTBEAT, firmware="2.3", heartbeat_s=6 * 3600)],
    ),
    (
        "dingtek-do20x",
        3,
        "8000020311" + "0203" + "00" + "0000000000000000" + "81",
        [Reading(state=None, kind=HEARTBEAT, firmware="2.3")],
    ),
    (
        "netvox-r719a",
        6,
        "01590120" + "01" + "00" * 6,
        [Reading(state=OCCUPIED, kind=HEARTBEAT, battery_v=3.2, battery_low=False)],
    ),
    (
        "netvox-r719a",
        6,
        "0159019c" + "00" + "00" * 6,
        [Reading(state=VACANT, kind=HEARTBEAT, battery_v=2.8, battery_low=True)],
    ),
    ("netvox-r719a", 6, "0159000f" + "0a" * 7, [Reading(state=None, kind=BOOT, firmware="1.5")]),
    ("netvox-r719a", 7, "8159" + "00" * 9, [Reading(state=None, kind=HEARTBEAT)]),
    (
        "netvox-r719a",
        7,
        "8159" + "01" * 9,
        [Reading(state=None, kind=HEARTBEAT, health="refused its configuration")],
    ),
    ("netvox-r719a", 7, "8259003c0708" + "00" * 5, [Reading(state=None, kind=HEARTBEAT, heartbeat_s=1800)]),
    (
        "tekzitel-tekzipark",
        1,
        "a1f601",
        [Reading(state=OCCUPIED, kind=HEARTBEAT, battery_low=False, temperature_c=-10)],
    ),
    ("tekzitel-tekzipark", 1, "081401", [Reading(state=VACANT, battery_low=True, temperature_c=20)]),
    (
        "tekzitel-tekzipark",
        1,
        "331401",
        [Reading(state=VACANT, kind=BOOT, battery_low=False, temperature_c=20, health="obstructed")],
    ),
    ("tekzitel-tekzipark", 1, "a01401c0", [Reading(state=OCCUPIED, battery_low=False, temperature_c=20)]),
    ("tekzitel-tekzipark", 1, "a01401c00102", [Reading(state=OCCUPIED, battery_low=False, temperature_c=20)]),
    (
        "tekzitel-tekzipark",
        2,
        "b01401" + "000000000000" + "090000",
        [
            Reading(
                state=OCCUPIED,
                battery_low=False,
                temperature_c=20,
                health="obstructed, fault code 9",
            )
        ],
    ),
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
        "141803ff80" + "06020e10",
        [
            Reading(
                state=None,
                kind=HEARTBEAT,
                session=3,
                battery_low=True,
                heartbeat_s=3600,
                health="calibrating",
            )
        ],
    ),
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
    ("nwave-nps405", None, "01", "missing_fport"),
    ("nwave-nps405", 4, "01", "unknown_fport"),
    ("nwave-nps405", 1, "", "bad_length"),
    ("nwave-nps405", 1, "0100", "bad_length"),
    ("nwave-nps405", 2, "01c81e", "bad_length"),
    ("nwave-nps405", 3, "02050101", "bad_length"),
    ("nwave-nps405", 10, "05", "bad_length"),
    ("libelium-smart-parking", None, "", "bad_length"),
    ("libelium-smart-parking", None, "80" * 10, "bad_length"),
    ("libelium-smart-parking", None, "80" * 13, "bad_length"),
    ("libelium-smart-parking", None, "00" * 11, "unreadable"),
    ("libelium-smart-parking", None, "00" * 12, "unreadable"),
    ("dingtek-do20x", None, "80", "missing_fport"),
    ("dingtek-do20x", 2, "80", "unknown_fport"),
    ("dingtek-do20x", 3, "", "unreadable"),
    ("dingtek-do20x", 3, "8000020181", "unreadable"),
    ("dingtek-do20x", 3, "800002010600", "unreadable"),
    ("dingtek-do20x", 3, "800003010681", "unreadable"),
    ("dingtek-do20x", 3, "800002010781", "bad_length"),
    ("dingtek-do20x", 3, "800002010681", "bad_length"),
    ("dingtek-do20x", 3, "800002040681", "out_of_range"),
    ("dingtek-do20x", 3, "800002030681", "bad_length"),
    ("netvox-r719a", None, "0159" + "00" * 9, "missing_fport"),
    ("netvox-r719a", 8, "0159" + "00" * 9, "unknown_fport"),
    ("netvox-r719a", 6, "0159", "bad_length"),
    ("netvox-r719a", 6, "0158" + "00" * 9, "unreadable"),
    ("netvox-r719a", 6, "0259" + "00" * 9, "bad_version"),
    ("netvox-r719a", 6, "015902" + "00" * 8, "out_of_range"),
    ("netvox-r719a", 6, "0159011e02" + "00" * 6, "out_of_range"),
    ("netvox-r719a", 7, "8359" + "00" * 9, "out_of_range"),
    ("tekzitel-tekzipark", None, "a01401", "missing_fport"),
    ("tekzitel-tekzipark", 3, "a01401", "unknown_fport"),
    ("tekzitel-tekzipark", 1, "", "bad_length"),
    ("tekzitel-tekzipark", 1, "a014", "bad_length"),
    ("tekzitel-tekzipark", 1, "a01401c001", "bad_length"),
    ("tekzitel-tekzipark", 2, "a01401", "bad_length"),
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


@given(st.integers(0, 126))
def test_a_longer_state_never_has_a_shorter_code(code: int) -> None:
    (shorter,) = CODECS["nwave-nps405"](bytes((code << 1,)), 1)
    (longer,) = CODECS["nwave-nps405"](bytes((code + 1 << 1,)), 1)
    assert shorter.previous_s is not None
    assert longer.previous_s is None or longer.previous_s > shorter.previous_s


@pytest.mark.parametrize("codec", sorted(set(CODECS) - {"parking-v1"}))
@given(payload=st.binary(max_size=60), port=st.none() | st.integers(0, 11))
def test_a_start_is_no_arrival_and_what_is_told_is_possible(
    codec: str, payload: bytes, port: int | None
) -> None:
    try:
        readings = CODECS[codec](payload, port)
    except Rejection:
        return
    for reading in readings:
        assert reading.kind in (CHANGE, HEARTBEAT, BOOT)
        assert reading.kind is not CHANGE or reading.state in (VACANT, OCCUPIED)
        assert reading.temperature_c is None or -40 <= reading.temperature_c <= 85
        assert reading.battery_v is None or 0 <= reading.battery_v <= 10
        assert reading.health is None or (reading.health.isprintable() and len(reading.health) < 100)
