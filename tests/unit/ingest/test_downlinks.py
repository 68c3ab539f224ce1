"""Commands to sensors: to bytes and back, and the messages that bring them there."""

import json
from base64 import b64decode
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.adapters.codecs import CODECS
from ingest.downlinks import delivery
from ingest.downlinks.base import Downlink, Model, Setting
from ingest.downlinks.models import MODELS, find_model
from parking.errors import DownlinkError, Rejection
from tests.support.vectors import Row, rows

DO200, NETVOX, TEKZIPARK = (MODELS[name] for name in ("dingtek-do200", "netvox-r719a", "tekzitel-tekzipark"))
DOWN = Downlink(7, b"\x01\x02", {"x": 1})

each_model = pytest.mark.parametrize("model", MODELS.values(), ids=list(MODELS))


def value_of(setting: Setting) -> st.SearchStrategy[float]:
    low, high = (round(limit / setting.step) for limit in (setting.low, setting.high))
    return st.integers(low, high).map(lambda steps: round(steps * setting.step, 6))


@each_model
@given(data=st.data())
def test_what_is_encoded_is_decoded(model: Model, data: st.DataObject) -> None:
    values = {setting.name: data.draw(value_of(setting)) for setting in model.settings}
    if "min_time" in values:
        values["max_time"] = max(values["min_time"], values["max_time"])
    downlinks = model.encode(values)
    found: dict[str, float] = {}
    for downlink in downlinks:
        assert model.decode(downlink.payload, downlink.port) == downlink
        assert model.decode(downlink.payload, None).values == downlink.values
        found |= downlink.values
    assert found == pytest.approx(values)


@each_model
@given(
    payload=st.binary(max_size=16)
    | st.from_regex(rb"8002(8888|9999)[0-9A-F]{2,8}81", fullmatch=True)
    | st.binary(min_size=5, max_size=5).map(lambda tail: b"\x01\x59" + tail + bytes(4))
    | st.binary(min_size=8, max_size=8),
    port=st.none() | st.integers(0, 255),
)
def test_any_bytes_are_a_downlink_or_a_rejection(model: Model, payload: bytes, port: int | None) -> None:
    try:
        downlink = model.decode(payload, port)
    except Rejection:
        return
    if downlink.values:
        assert [again.payload for again in model.encode(downlink.values)] == [payload]
    else:
        assert model.ask is not None
        assert model.ask.payload == payload


def test_each_setting_of_dingtek_is_a_downlink_of_its_own() -> None:
    values = DO200.read({"heartbeat": "12h", "batteryThreshold": "25"})
    assert [downlink.payload for downlink in DO200.encode(values)] == [b"80028888010C81", b"80028888051981"]


def test_the_model_that_takes_all_settings_at_once_says_what_is_missing() -> None:
    with pytest.raises(DownlinkError, match="missing: min_time, battery_change"):
        NETVOX.complete(NETVOX.read({"heartbeat": "1h"}))
    values = NETVOX.read({"heartbeat": "1h", "MinTime": "60", "battery_change": "0.2V"})
    (downlink,) = NETVOX.encode(NETVOX.complete(values))
    assert downlink.payload.hex() == "0159003c0e100200000000"


def test_times_that_contradict_each_other_are_refused() -> None:
    with pytest.raises(DownlinkError, match="max_time is 60 s, less than min_time, which is 90 s"):
        NETVOX.encode({"min_time": 90, "max_time": 60, "battery_change": 0.1})
    with pytest.raises(Rejection, match="max_time is 60 s"):
        NETVOX.decode(bytes.fromhex("0159005a003c0100000000"), 7)


def test_every_bit_of_a_tekzipark_belongs_to_one_setting() -> None:
    zero = dict.fromkeys((setting.name for setting in TEKZIPARK.settings), 0.0)
    ones = []
    for setting in TEKZIPARK.settings:
        (downlink,) = TEKZIPARK.encode(zero | {setting.name: setting.high})
        ones.append(int.from_bytes(downlink.payload, "big"))
    assert sum(ones) == 2**64 - 1
    assert all(one & other == 0 for one in ones for other in ones if one is not other)


@pytest.mark.parametrize(
    ("model", "name", "text", "told"),
    [
        (DO200, "heartbeat", "90min", "heartbeat is '90min', which this device cannot be told"),
        (DO200, "heartbeat", "169h", "upload_interval: 1 to 168 h"),
        (DO200, "heartbeat", "0", "cannot be told"),
        (DO200, "heartbeat", "soon", "not a number"),
        (DO200, "heartbeat", "-1h", "not a number"),
        (DO200, "heartbeat", "1e9", "not a number"),
        (DO200, "heartbeat", "1w", "unit must be"),
        (DO200, "heartbeat", "9" * 30, "not a number"),
        (DO200, "mag_threshold", "60s", "its unit must be mGs"),
        (DO200, "upload_interval", "4%", "its unit must be s, min, h or d"),
        (NETVOX, "battery_change", "0.15", "battery_change: 0.1 to 25.5 V by 0.1"),
        (NETVOX, "detect_interval", "1", "has no setting 'detect_interval'"),
        (TEKZIPARK, "keepalive_period", "4", "keepalive_period: 0 to 3"),
        (TEKZIPARK, "heartbeat", "1h", "has no setting 'heartbeat'"),
    ],
)
def test_a_bad_value_is_named_with_its_rule(model: Model, name: str, text: str, told: str) -> None:
    with pytest.raises(DownlinkError) as caught:
        model.read({name: text})
    assert told in f"{caught.value.message} {caught.value.hint}"


@pytest.mark.parametrize(("text", "hours"), [("4h", 4), ("4", 4), ("240min", 4), ("1d", 24), ("7200s", 2)])
def test_a_time_may_be_given_in_any_unit(text: str, hours: int) -> None:
    assert DO200.read({"uploadInterval": text}) == {"upload_interval": hours}


def test_a_heartbeat_without_a_unit_is_in_seconds() -> None:
    assert DO200.read({"heartbeat": "14400"}) == {"upload_interval": 4}


def test_one_setting_under_two_names_is_given_twice() -> None:
    with pytest.raises(DownlinkError, match="given twice"):
        DO200.read({"heartbeat": "4h", "uploadInterval": "5"})


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("dingtek-do20x", "dingtek-do200, dingtek-do201, dingtek-do202"),
        ("bosch-tps110", "no downlink of bosch-tps110"),
        ("acme-1", "'acme-1' is no model"),
    ],
)
def test_an_unknown_model_is_answered_by_those_there_are(name: str, told: str) -> None:
    with pytest.raises(DownlinkError) as caught:
        find_model(name)
    assert told in f"{caught.value.message} {caught.value.hint}"


def test_every_model_is_read_by_a_codec_that_we_have() -> None:
    assert {model.codec for model in MODELS.values()} <= set(CODECS)
    for model in MODELS.values():
        assert len({setting.name for setting in model.settings}) == len(model.settings)
        assert sum(setting.heartbeat for setting in model.settings) <= 1


def test_our_own_topic_takes_the_bytes() -> None:
    (message,) = delivery.ours([DOWN], site="queen-street", device="qs-1")
    assert (message.topic, message.payload) == ("parking/v1/queen-street/bay/qs-1/down", b"\x01\x02")


def test_the_things_stack_takes_all_in_one_message() -> None:
    (message,) = delivery.things_stack(
        [DOWN, DOWN], application="app", tenant="t", device="dev-1", confirmed=True
    )
    assert message.topic == "v3/app@t/devices/dev-1/down/push"
    first, second = json.loads(message.payload)["downlinks"]
    assert first == second == {"f_port": 7, "frm_payload": "AQI=", "priority": "NORMAL", "confirmed": True}


def test_chirpstack_takes_one_after_the_other() -> None:
    messages = delivery.chirpstack(
        [DOWN, DOWN], application="a-1", device="70B3D5E75E0000A1", confirmed=False
    )
    assert {message.topic for message in messages} == {"application/a-1/device/70b3d5e75e0000a1/command/down"}
    assert len(messages) == 2
    body = json.loads(messages[0].payload)
    assert (body["devEui"], body["fPort"], body["confirmed"]) == ("70b3d5e75e0000a1", 7, False)
    assert b64decode(body["data"]) == DOWN.payload


@pytest.mark.parametrize("name", ["", "a/b", "+", "#", "a b", "x" * 65])
def test_a_name_that_is_no_level_of_a_topic_is_refused(name: str) -> None:
    with pytest.raises(DownlinkError):
        delivery.ours([DOWN], site=name, device="d")
    with pytest.raises(DownlinkError):
        delivery.things_stack([DOWN], application=name, tenant="t", device="d", confirmed=False)
    with pytest.raises(DownlinkError):
        delivery.chirpstack([DOWN], application=name, device="70b3d5e75e0000a1", confirmed=False)
    with pytest.raises(DownlinkError):
        delivery.chirpstack([DOWN], application="a", device=name, confirmed=False)


def model_of(row: Row) -> Model:
    return find_model(f"{row['vendor']}-{row['model']}".lower())


def told(row: Row) -> dict[str, Any]:
    """The settings of a row, by their makers' names."""
    return {name: value for name, value in row["data"].items() if name not in ("Cmd", "Device")}


def test_every_shared_downlink_both_ways(shared_dir: Path) -> None:
    every = rows(shared_dir, "downlinks")
    assert {row["direction"] for row in every} == {"encode", "decode"}
    assert {model_of(row).name for row in every} == set(MODELS)
    for row in every:
        model, values = model_of(row), told(row)
        payload = bytes.fromhex(row["hex"])
        # The two directions of each row must agree, whichever it was published for.
        read = model.decode(payload, row["fport"])
        assert {model.setting(name).name: value for name, value in values.items()} == pytest.approx(
            dict(read.values)
        )
        if values:
            given = model.complete(model.read({name: f"{value:g}" for name, value in values.items()}))
            (made,) = model.encode(given)
        else:
            assert model.ask is not None
            made = model.ask
        assert (made.port, made.payload) == (row["fport"], payload)
