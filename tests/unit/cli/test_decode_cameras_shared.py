"""`parking decode` on the real and published plate reads of the shared folder, by MQTT and as posted."""

import io
import json
from pathlib import Path
from typing import Any

import pytest

from cli.decode import run

AT = "2026-03-04T12:00:00Z"
OURS = "parking/v1/castle-mews/anpr/cm-in-1/read"
# What a row's vendor says of motion, as the direction of its own words; the registry alone knows in and out.
WAYS = {"in": "in", "out": "out"}
APPROACHING = {"forward", "obverse", "in"}
RECEDING = {"reverse", "away", "goaway", "out"}
# Vehicles whose plate could not be read, and which count; the other rows without a plate are no vehicles.
UNREADABLE = {"no plate read"}


def rows(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "vectors" / "anpr.jsonl").read_text().splitlines()]


def ask(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    out = io.StringIO()
    run([json.dumps(line) for line in lines], out)
    answers = [json.loads(line) for line in out.getvalue().splitlines()]
    assert len(answers) == len(lines)
    return answers


def multipart(row: dict[str, Any]) -> dict[str, Any]:
    """A row as a form with an image behind it, as cameras post."""
    name = "anpr.xml" if row["payload"].lstrip().startswith("<") else "event"
    body = (
        f'--b0\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{row["payload"]}\r\n'.encode()
        + b'--b0\r\nContent-Disposition: form-data; name="image"; filename="plate.jpg"\r\n'
        + b"Content-Type: image/jpeg\r\n\r\n\xff\xd8{<\xff\xd9\r\n--b0--\r\n"
    )
    return {"content_type": "multipart/form-data; boundary=b0", "payload_hex": body.hex()}


def is_vehicle(row: dict[str, Any]) -> bool:
    return row["expected"]["plate"] is not None or row["model"] in UNREADABLE


def test_every_read_on_our_topic(shared_dir: Path) -> None:
    wanted = [row for row in rows(shared_dir) if is_vehicle(row)]
    assert len(wanted) > 20
    wrong: list[tuple[str, Any]] = []
    answers = ask([{"topic": OURS, "payload": row["payload"], "received_at": AT} for row in wanted])
    for row, answer in zip(wanted, answers, strict=True):
        expected, seen = row["expected"], answer["observations"]
        if answer["rejected"] or len(seen) != expected.get("n_results", 1):
            wrong.append((row["model"], answer))
            continue
        first = seen[0]
        full = 100 if str(row["expected"]["confidence_scale"]).startswith("0-100") else 1
        score = None if expected["confidence"] is None else pytest.approx(expected["confidence"] / full)
        facts = [first["plate"], first["camera"], first["confidence"], first["direction"]]
        if facts != [expected["plate"], "cm-in-1", score, WAYS.get(expected["direction"])]:
            wrong.append((row["model"], facts))
        motion = {"motion": "approaching"} if expected["direction"] in APPROACHING else {}
        motion = {"motion": "receding"} if expected["direction"] in RECEDING else motion
        if first.get("motion") != motion.get("motion"):
            wrong.append((row["model"], first))
    assert wrong == []


def test_every_time_that_a_row_is_sure_of(shared_dir: Path) -> None:
    wanted = [row for row in rows(shared_dir) if is_vehicle(row) and row["expected"]["timestamp_utc"]]
    assert len(wanted) > 12
    answers = ask([{"topic": OURS, "payload": row["payload"], "received_at": AT} for row in wanted])
    times = [answer["observations"][0]["event_at"][:23].rstrip("Z") for answer in answers]
    assert times == [row["expected"]["timestamp_utc"][:23].rstrip("Z") for row in wanted]


def test_every_id_that_a_vendor_gives(shared_dir: Path) -> None:
    wanted = [row for row in rows(shared_dir) if is_vehicle(row) and row["vendor"] != "Verkada"]
    given = [
        (row, row["expected"].get("event_id") or row["expected"].get("uuid") or row["expected"].get("car_id"))
        for row in wanted
    ]
    named = [(row, name) for row, name in given if name]
    assert len(named) > 7
    answers = ask([{"topic": OURS, "payload": row["payload"]} for row, _ in named])
    assert [answer["observations"][0]["event_id"] for answer in answers] == [name for _, name in named]


def test_what_is_posted_reads_the_same_in_parts(shared_dir: Path) -> None:
    wanted = [row for row in rows(shared_dir) if row["topic"] is None]
    assert len(wanted) > 20
    path = {"path": "/v1/anpr", "camera": "cm-in-1", "received_at": AT}
    alone = ask([path | {"payload": row["payload"]} for row in wanted])
    assert ask([path | multipart(row) for row in wanted]) == alone


def test_the_vendors_own_camera_is_named_where_the_way_does_not(shared_dir: Path) -> None:
    named = [row for row in rows(shared_dir) if is_vehicle(row) and row["expected"]["camera_id"]]
    answers = ask([{"path": "/", "payload": row["payload"], "received_at": AT} for row in named])
    wrong = [
        (row["model"], answer)
        for row, answer in zip(named, answers, strict=True)
        if answer["rejected"] or answer["observations"][0]["camera"] != row["expected"]["camera_id"]
    ]
    assert wrong == []
    nameless = [row for row in rows(shared_dir) if is_vehicle(row) and not row["expected"]["camera_id"]]
    for answer in ask([{"path": "/", "payload": row["payload"]} for row in nameless]):
        assert "names no camera" in answer["rejected"]["detail"]


def test_what_is_no_vehicle_is_ignored(shared_dir: Path) -> None:
    wanted = [row for row in rows(shared_dir) if not is_vehicle(row)]
    assert len(wanted) >= 7
    for answer in ask([{"topic": OURS, "payload": row["payload"]} for row in wanted]):
        assert (answer["observations"], answer["rejected"]) == ([], None)
        assert answer["ignored"]


def test_every_vendors_own_topic(shared_dir: Path) -> None:
    wanted = [row for row in rows(shared_dir) if row["topic"] and is_vehicle(row)]
    lines = [
        {
            "topic": row["topic"].format(event="anpr", camera="drive", serial="ACCC8EBFB452"),
            "payload": row["payload"],
        }
        for row in wanted
    ]
    plates = [answer["observations"][0]["plate"] for answer in ask(lines)]
    assert plates == [row["expected"]["plate"] for row in wanted]
    replays = ask([line | {"retained": True} for line in lines])
    assert {answer["ignored"] for answer in replays} == {"a retained message is a replay"}
