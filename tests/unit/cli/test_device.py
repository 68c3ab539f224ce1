"""`parking device`: what it prints, and what it says of a wrong call."""

import json
from typing import Any

import pytest
from typer.testing import CliRunner

from cli.main import app
from ingest.downlinks.models import MODELS
from parking.errors import DownlinkError

DO200 = ("configure", "dingtek-do200")
NETVOX = ("configure", "netvox-r719a")


def device(*arguments: str) -> str:
    done = CliRunner().invoke(app, ["device", *arguments], prog_name="parking")
    assert done.exit_code == 0, done.output
    return done.stdout


def answer(*arguments: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(device(*arguments, "--json"))
    return found


def test_the_help_lists_what_each_model_understands() -> None:
    shown = device("configure", "--help")
    for model in MODELS.values():
        assert model.name in shown
        assert all(setting.rule in shown for setting in model.settings if setting.help)


def test_the_models_are_listed_for_people_and_machines() -> None:
    shown, table = device("models"), json.loads(device("models", "--json"))
    assert set(table) == set(MODELS)
    for name, model in MODELS.items():
        assert name in shown
        assert [one["name"] for one in table[name]["settings"]] == [s.name for s in model.settings]
        assert all(setting.rule in shown for setting in model.settings)


def test_a_downlink_is_printed_as_bytes() -> None:
    shown = device(*DO200, "--set", "heartbeat=5h")
    payload = b"80028888010581"
    assert "upload_interval = 5 h" in shown
    assert f"port 3, 14 bytes: {payload.hex()}" in shown
    assert "base64: ODAwMjg4ODgwMTA1ODE=" in shown
    (made,) = answer(*DO200, "--set", "heartbeat=5h")["downlinks"]
    assert (made["port"], made["payload_hex"], made["sets"]) == (3, payload.hex(), {"upload_interval": 5})


def test_a_downlink_is_explained() -> None:
    payload = b"80028888021E81".hex()
    assert "mag_threshold = 30 mGs" in device(*DO200, "--explain", payload)
    (told,) = answer(*DO200, "--explain", payload, "--port", "3")["downlinks"]
    assert (told["sets"], told["asks"]) == ({"mag_threshold": 30}, False)


def test_a_device_is_asked_for_its_settings() -> None:
    (made,) = answer(*NETVOX, "--ask")["downlinks"]
    assert (made["port"], made["payload_hex"], made["asks"]) == (7, "0259" + "00" * 9, True)
    assert "asks for the settings" in device(*NETVOX, "--ask")


def test_what_a_device_has_now_is_changed_in_one_setting() -> None:
    now = "0159003c0e100100000000"
    (made,) = answer(*NETVOX, "--set", "heartbeat=30min", "--base", now)["downlinks"]
    assert made["payload_hex"] == "0159003c07080100000000"


@pytest.mark.parametrize(
    ("way", "topic", "payload"),
    [
        (("parking", "--site", "s", "--device", "d"), "parking/v1/s/bay/d/down", b"80028888010581".hex()),
        (
            ("things-stack", "--application", "a", "--tenant", "t", "--device", "d"),
            "v3/a@t/devices/d/down/push",
            {"downlinks": [{"f_port": 3, "frm_payload": "ODAwMjg4ODgwMTA1ODE=", "priority": "NORMAL"}]},
        ),
        (
            ("chirpstack", "--application", "a", "--device", "70B3D5E75E0000A1", "--confirmed"),
            "application/a/device/70b3d5e75e0000a1/command/down",
            {
                "devEui": "70b3d5e75e0000a1",
                "confirmed": True,
                "fPort": 3,
                "data": "ODAwMjg4ODgwMTA1ODE=",
            },
        ),
    ],
)
def test_the_message_of_each_server_is_printed(way: tuple[str, ...], topic: str, payload: Any) -> None:
    call = (*DO200, "--set", "heartbeat=5h", "--server", *way)
    assert topic in device(*call)
    (message,) = answer(*call)["messages"]
    assert message["topic"] == topic
    told = message["payload"]
    assert (told if isinstance(payload, str) else json.loads(told)) == payload


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (DO200, "Nothing is to be set"),
        ((*DO200, "--set", "heartbeat"), "--set 'heartbeat' is not NAME=VALUE"),
        ((*DO200, "--set", "heartbeat=1h", "--set", "heartbeat=2h"), "heartbeat is given twice"),
        ((*DO200, "--set", "heartbeat=0"), "upload_interval: 1 to 168 h"),
        ((*DO200, "--set", "colour=red"), "It has upload_interval"),
        ((*DO200, "--ask"), "cannot be asked"),
        ((*NETVOX, "--ask", "--set", "heartbeat=1h"), "exclude each other"),
        ((*NETVOX, "--set", "heartbeat=1h"), "missing: min_time, battery_change"),
        ((*DO200, "--explain", "zz"), "--explain is not hexadecimal"),
        ((*DO200, "--explain", "00"), "--explain is no downlink of dingtek-do200"),
        ((*NETVOX, "--base", "00", "--set", "heartbeat=1h"), "--base is no downlink of netvox-r719a"),
        ((*DO200, "--set", "heartbeat=5h", "--send"), "--server parking|things-stack|chirpstack"),
        (
            (*DO200, "--set", "heartbeat=5h", "--server", "chirpstack"),
            "--server chirpstack needs --application and --device",
        ),
        (("configure", "dingtek-do20x", "--set", "heartbeat=5h"), "Name one: dingtek-do200"),
    ],
)
def test_a_wrong_call_is_told_in_a_sentence(arguments: tuple[str, ...], told: str) -> None:
    done = CliRunner().invoke(app, ["device", *arguments])
    assert isinstance(done.exception, DownlinkError)
    assert told in f"{done.exception.message} {done.exception.hint}"
