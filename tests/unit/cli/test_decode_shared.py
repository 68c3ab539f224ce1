"""`parking decode` on the real and published messages of the shared folder."""

import io
import json
import math
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from cli.decode import run
from tests.support.vectors import (
    CODECS,
    codec_of,
    facts,
    is_keep_alive,
    is_rejected,
    rows,
    sample_of,
    topic_of,
)

AT = "2026-03-04T12:00:00Z"
OF_THE_SERVER = ("join", "status", "log")


def ask(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    out = io.StringIO()
    run([json.dumps(line) for line in lines], out)
    answers = [json.loads(line) for line in out.getvalue().splitlines()]
    assert len(answers) == len(lines)
    return answers


def same(actual: Any, expected: Any) -> bool:
    if isinstance(expected, float):
        return actual is not None and math.isclose(actual, expected, abs_tol=1e-9)
    return bool(actual == expected)


def test_every_payload_of_every_sensor(shared_dir: Path) -> None:
    every = rows(shared_dir, "devices")
    wanted = [(row, codec) for row in every if (codec := codec_of(row)) is not None]
    counts = Counter(codec for _, codec in wanted)
    assert set(counts) == set(CODECS.values())
    # Those without a codec: two of a vehicle counter, one of a sensor whose layout is in doubt.
    assert len(every) - len(wanted) == 3
    lines = [
        {"codec": codec, "fport": row["fport"], "payload_hex": row["hex"], "received_at": AT}
        for row, codec in wanted
    ]
    wrong = []
    for (row, _), answer in zip(wanted, ask(lines), strict=True):
        seen, expected = answer["observations"], row["expected"]
        if is_rejected(row):
            good = not seen and bool(answer["rejected"]["detail"])
        else:
            good = answer["rejected"] is None and seen[-1]["occupied"] is expected["occupied"]
            good = good and all(same(seen[-1].get(name), value) for name, value in facts(row).items())
            if is_keep_alive(row):
                good = good and "heartbeat" in [one["event"] for one in seen]
            if "transitions" in expected:
                good = good and [one["occupied"] for one in seen] == expected["transitions"]
            if "temperature_c_twos_complement" in expected:
                good = good and "temperature_c" not in seen[-1]
        if not good:
            wrong.append((row["vendor"], row["hex"], row["fport"], expected, answer))
    assert wrong == []


def test_every_uplink_of_every_network_server(shared_dir: Path) -> None:
    wanted = [row for row in rows(shared_dir, "envelopes") if row["event"] == "up"]
    assert len({row["network_server"] for row in wanted}) >= 8
    answers = ask([{"topic": topic_of(row), "payload": row["payload"], "received_at": AT} for row in wanted])
    for row, answer in zip(wanted, answers, strict=True):
        assert answer.get("uplink") == row["normalised"]
        code = "unknown_device" if row["valid_json"] else "invalid_json"
        if (row["normalised"] or {}).get("received_at_ms", 0) > 4e12:
            code = "out_of_range"  # a published example from the year 2472
        assert (answer["rejected"]["code"], answer["observations"]) == (code, [])


def test_every_parking_sensor_in_an_envelope(shared_dir: Path) -> None:
    wanted = [(row, codec) for row in rows(shared_dir, "envelopes") if (codec := sample_of(row)) is not None]
    bare = {
        (codec_of(row), row["fport"], row["hex"]): row["expected"]["occupied"]
        for row in rows(shared_dir, "devices")
    }
    assert len(wanted) > 30
    lines = [
        {"topic": topic_of(row), "payload": row["payload"], "codec": codec, "received_at": AT}
        for row, codec in wanted
    ]
    identities: dict[tuple[Any, ...], set[tuple[Any, ...]]] = {}
    for (row, codec), answer in zip(wanted, ask(lines), strict=True):
        normalised = row["normalised"]
        (seen,) = answer["observations"]
        assert answer["rejected"] is None
        assert (seen["device"], seen["seq"]) == (normalised["dev_eui"].lower(), normalised["fcnt"])
        message = (codec, normalised["fport"], normalised["payload_hex"])
        if message in bare:
            assert seen["occupied"] is bare[message]
        if "received_at" in normalised:
            assert seen["event_at"][:26] == normalised["received_at"][:26]
        else:
            assert seen["event_at"].startswith(("2023-05-19T", "2023-08-01T"))
        event = (seen["device"], seen["session"], seen["seq"], seen["part"])
        identities.setdefault(event, set()).add(message[1:])
    # Many of the examples share device, time, counter and even the server's id: never one identity.
    assert [told for told in identities.values() if len(told) > 1] == []


def test_the_other_messages_of_the_network_servers_are_understood(shared_dir: Path) -> None:
    wanted = [row for row in rows(shared_dir, "envelopes") if row["event"] != "up" and row["topic"]]
    assert {row["event"] for row in wanted} >= {*OF_THE_SERVER, "ack", "txack", "location", "down/push"}
    lines = [{"topic": row["topic"], "payload": row["payload"]} for row in wanted]
    for row, answer in zip(wanted, ask(lines), strict=True):
        assert (answer["observations"], answer["rejected"]) == ([], None)
        assert answer["ignored"]
        told = answer.get("notice", {})
        assert told.get("kind") == (row["event"] if row["event"] in OF_THE_SERVER else None)
        body = json.loads(row["payload"])
        if row["event"] == "join":
            assert told["session"] > 0
        if row["event"] == "log":
            assert (told["code"], told["text"]) == (body["code"], body["description"])
        if row["event"] == "status":
            assert (told["margin_db"], told["battery_pct"]) == (body["margin"], body["batteryLevel"])
            (known,) = ask([{"topic": row["topic"], "payload": row["payload"], "codec": "bosch-tps110"}])
            (seen,) = known["observations"]
            assert (seen["occupied"], seen["battery_pct"]) == (None, body["batteryLevel"])


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
