"""`parking decode` on the real and published messages of the shared folder."""

import io
import json
import math
from pathlib import Path
from typing import Any

import pytest

from cli.decode import run

AT = "2026-03-04T12:00:00Z"
CODECS = {"Bosch": "bosch-tps110", "PNI": "pni-placepod"}
SERVERS = ("The Things Stack v3", "ChirpStack v4")
# What others call what we call differently. The readings of firmware that a note proves wrong are left out.
SYNONYMS = {
    "temperature_c": "temperature_c",
    "temperature": "temperature_c",
    "battery_v": "battery_v",
    "firmware_version": "firmware",
    "firmwareVersion": "firmware",
    "firmware_version_big_endian": "firmware",
    "reset_cause": "reset_cause",
    "resetCause": "reset_cause",
}
RESET_CAUSES = {"Power On Reset": "power_on", "system request": "system_request"}


def rows(folder: Path, name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "vectors" / f"{name}.jsonl").read_text().splitlines()]


def ask(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    out = io.StringIO()
    run([json.dumps(line) for line in lines], out)
    answers = [json.loads(line) for line in out.getvalue().splitlines()]
    assert len(answers) == len(lines)
    return answers


def same(actual: Any, expected: Any) -> bool:
    if isinstance(expected, float):
        return actual is not None and math.isclose(actual, expected, abs_tol=1e-9)
    return bool(actual == RESET_CAUSES.get(expected, expected))


def test_every_payload_of_a_codec_that_we_have(shared_dir: Path) -> None:
    wanted = [row for row in rows(shared_dir, "devices") if row["vendor"] in CODECS]
    lines = [
        {"codec": CODECS[row["vendor"]], "fport": row["fport"], "payload_hex": row["hex"], "received_at": AT}
        for row in wanted
    ]
    assert len(wanted) > 30
    wrong = []
    for row, answer in zip(wanted, ask(lines), strict=True):
        seen, expected = answer["observations"], row["expected"]
        if row["kind"] == "negative":
            good = not seen and bool(answer["rejected"]["detail"])
        else:
            facts = {SYNONYMS[name]: value for name, value in expected.items() if name in SYNONYMS}
            good = bool(seen) and seen[-1]["occupied"] is expected["occupied"]
            good = good and all(same(seen[-1].get(name), value) for name, value in facts.items())
            if "transitions" in expected:
                good = good and [one["occupied"] for one in seen] == expected["transitions"]
            if "temperature_c_twos_complement" in expected:
                good = good and "temperature_c" not in seen[-1]
            if expected.get("type") == "startup":
                good = good and seen[-1]["event"] == "boot"
            if expected.get("keep_alive"):
                good = good and seen[0]["event"] == "heartbeat"
        if not good:
            wrong.append((row["hex"], row["fport"], expected, answer))
    assert wrong == []


def test_every_uplink_of_both_network_servers(shared_dir: Path) -> None:
    wanted = [
        row
        for row in rows(shared_dir, "envelopes")
        if row["event"] == "up" and row["network_server"].startswith(SERVERS)
    ]
    assert len(wanted) > 40
    answers = ask([{"topic": row["topic"], "payload": row["payload"], "received_at": AT} for row in wanted])
    for row, answer in zip(wanted, answers, strict=True):
        assert answer.get("uplink") == row["normalised"]
        code = "unknown_device" if row["valid_json"] else "invalid_json"
        assert (answer["rejected"]["code"], answer["observations"]) == (code, [])


def test_every_parking_sensor_in_an_envelope(shared_dir: Path) -> None:
    wanted = [
        row
        for row in rows(shared_dir, "envelopes")
        if row["network_server"].startswith(SERVERS) and "Parking_Lot_Sensor" in (row["note"] or "")
    ]
    expected = {
        "0112": ("heartbeat", True, 18, None, None),
        "01": ("change", True, None, None, None),
        "00000000990200d100050000001d020200": ("boot", False, None, "0.29.2", "power_on"),
    }
    assert len(wanted) == 9
    lines = [{"topic": row["topic"], "payload": row["payload"], "codec": "bosch-tps110"} for row in wanted]
    for row, answer in zip(wanted, ask(lines), strict=True):
        (seen,) = answer["observations"]
        facts = tuple(
            seen.get(name) for name in ("event", "occupied", "temperature_c", "firmware", "reset_cause")
        )
        normalised = row["normalised"]
        assert facts == expected[normalised["payload_hex"]]
        assert (seen["device"], seen["seq"]) == (normalised["dev_eui"].lower(), normalised["fcnt"])
        assert seen["event_at"][:26] == normalised["received_at"][:26]
        assert answer["rejected"] is None


def test_every_other_event_of_both_network_servers_is_ignored(shared_dir: Path) -> None:
    wanted = [
        row
        for row in rows(shared_dir, "envelopes")
        if row["event"] != "up" and row["network_server"].startswith(SERVERS) and row["topic"]
    ]
    assert len(wanted) > 8
    for answer in ask([{"topic": row["topic"], "payload": row["payload"]} for row in wanted]):
        assert (answer["observations"], answer["rejected"]) == ([], None)
        assert answer["ignored"]


def test_every_message_of_frigate(shared_dir: Path) -> None:
    wanted = [row for row in rows(shared_dir, "anpr") if row["vendor"] == "Frigate"]
    lines = [{"topic": row["topic"], "payload": row["payload"], "received_at": AT} for row in wanted]
    assert len(wanted) == 4
    for row, answer in zip(wanted, ask(lines), strict=True):
        expected = row["expected"]
        if row["kind"] == "negative":
            assert (answer["observations"], answer["rejected"]) == ([], None)
            assert answer["ignored"]
            continue
        (seen,) = answer["observations"]
        assert (seen["plate"], seen["camera"], seen["direction"]) == (
            expected["plate"],
            expected["camera_id"],
            expected["direction"],
        )
        scale = 100 if expected["confidence"] > 1 else 1
        assert seen["confidence"] == pytest.approx(expected["confidence"] / scale)
        # Cut to milliseconds, as some rows are.
        assert seen["event_at"][:23].rstrip("Z") == (expected["timestamp_utc"] or AT)[:23].rstrip("Z")
        assert seen["event_id"] == expected.get("event_id", seen["event_id"])
