"""Cameras post to a real ingestor process: stored before it answers, whatever the vendor's form."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from cli.embedded.ports import choose_port
from ingest.camera_inbox import PATIENCE_S
from parking.access_keys import Presented, Scope
from parking.db.connect import connect
from tests.conftest import StartProcess
from tests.support.access import bearer, key_of
from tests.support.cameras import BODIES, HIKVISION, PLATE, form
from tests.support.city import load, small_registry
from tests.support.polling import until
from tests.support.processes import ParkingProcess
from tests.support.proxy import Proxy

IMAGE = ('Content-Disposition: form-data; name="b"; filename="b.jpg"', b"\xff\xd8{<" * 300_000)
FORM = "multipart/form-data; boundary=b0"
PATH = "/v1/cameras/cm-in"


@dataclass(frozen=True)
class Door:
    """An ingestor that listens for cameras, a client of it, a key for cameras, and a way to the database."""

    client: httpx.AsyncClient
    key: Presented
    database_url: str
    proxy: Proxy
    process: ParkingProcess

    async def rows(self, query: str) -> list[tuple[Any, ...]]:
        async with connect(self.database_url, name="test", autocommit=True) as connection:
            return await (await connection.execute(query.encode())).fetchall()

    async def post(self, body: bytes, kind: str = "application/json", **more: Any) -> httpx.Response:
        headers = {"Content-Type": kind, **bearer(self.key), **more.pop("headers", {})}
        return await self.client.post(more.pop("path", PATH), content=body, headers=headers, **more)


@pytest.fixture
async def door(
    database_url: str, mqtt_url: str, tmp_path: Path, process: StartProcess
) -> AsyncIterator[Door]:
    await load(database_url, small_registry())
    key = await key_of(database_url, Scope.CAMERAS_PUSH, name="cm-in", sites=("castle-mews",))
    port = choose_port()
    async with Proxy(database_url) as proxy:
        env = {
            "PARKING_DATABASE_URL": proxy.url,
            "PARKING_MQTT_URL": mqtt_url,
            "PARKING_INGEST_PORT": "0",
            "PARKING_PLATE_KEY_DIR": str(tmp_path / "keys"),
            "PARKING_CAMERA_HTTP_PORT": str(port),
            "PARKING_MQTT_CLIENT_ID": f"cameras-{port}",
            "PARKING_LOG_LEVEL": "debug",
        }
        running = await process("ingest", env=env)
        await running.wait_for_output("cameras can post")
        async with httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{port}", timeout=PATIENCE_S + 10, trust_env=False
        ) as client:
            yield Door(client, key, database_url, proxy, running)
        assert await running.terminate() == 0, running.output


def read(event_id: str, plate: str = "J77ABC") -> bytes:
    """A read of OpenALPR's form, just now."""
    body = {
        "data_type": "alpr_group",
        "best_uuid": event_id,
        "camera_id": 7,
        "best_plate_number": plate,
        "best_confidence": 90,
        "epoch_start": int(datetime.now(UTC).timestamp() * 1000),
    }
    return json.dumps(body).encode()


def hikvision() -> bytes:
    """A read of Hikvision's form, just now."""
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return HIKVISION.replace("2026-03-04T11:59:30+00:00", now).encode()


async def test_what_is_answered_with_200_is_stored_in_every_form(door: Door) -> None:
    in_parts = form(('Content-Disposition: form-data; name="x"; filename="anpr.xml"', hikvision()), IMAGE)
    fields = httpx.QueryParams({"json": read("in-a-field", "LK21XYZ").decode(), "n": "1"})
    posts = [
        (read("plain", "T06KLM"), "application/json"),
        (in_parts, FORM),
        (in_parts, "multipart/form-data"),  # the boundary is not named: a copy
        (str(fields).encode(), "application/x-www-form-urlencoded"),
        (hikvision(), "application/xml"),
    ]
    for number, (body, kind) in enumerate(posts):
        answer = await door.post(body, kind, path=f"{PATH}/NotificationInfo" if number == 99 else PATH)
        assert answer.status_code == 200, answer.text
        assert answer.json() == {"Result": True, "vehicles": 1, "rejected": []}
        (stored,) = await door.rows("SELECT count(*), count(token) FROM gate_event")
        assert stored == ((1, 1), (2, 2), (2, 2), (3, 3), (3, 3))[number]
    assert await door.rows("SELECT inside FROM site_state WHERE inside IS NOT NULL") == [(13,)]
    assert PLATE.replace(" ", "") not in door.process.output


async def test_who_may_post_and_how_a_key_is_shown(door: Door) -> None:
    key = door.key.text
    url, body = PATH, read("a")
    shown: list[dict[str, Any]] = [
        {"headers": {"Authorization": f"Bearer {key}"}},
        {"headers": {"X-Api-Key": key}},
        {"auth": ("camera", key)},
        {"params": {"key": key}},
    ]
    for way in shown:
        assert (await door.client.post(url, content=body, **way)).status_code == 200
        assert (await door.client.get(url, **way)).json()["ready"] is True
    wrong = key[:-1] + ("a" if key[-1] != "a" else "b")
    for way in ({}, {"params": {"key": wrong}}, {"auth": ("camera", "x")}, {"headers": {"X-Api-Key": "x"}}):
        refused = await door.client.post(url, content=body, **way)
        assert refused.status_code == 401
        assert refused.headers["www-authenticate"].startswith("Basic")
    reader = await key_of(door.database_url, Scope.REPORTS_READ, name="reader")
    elsewhere = await key_of(door.database_url, Scope.CAMERAS_PUSH, name="else", sites=("street-0",))
    for other in (reader, elsewhere):
        assert (await door.client.post(url, content=body, headers=bearer(other))).status_code == 403
    unknown = await door.post(body, path="/v1/cameras/nobody")
    assert unknown.status_code == 404
    assert await door.rows("SELECT count(*) FROM gate_event") == [(1,)]
    assert wrong not in door.process.output
    assert key not in door.process.output


async def test_what_cannot_be_used_is_on_record_and_not_sent_for_ever(door: Door) -> None:
    nonsense = json.dumps({"plate": PLATE, "what": 1}).encode()
    answer = await door.post(nonsense, path=f"{PATH}/{PLATE}/isapi")
    assert (answer.status_code, answer.json()["vehicles"]) == (200, 0)
    assert [one["code"] for one in answer.json()["rejected"]] == ["unknown_format"]
    assert await door.rows("SELECT topic, code, payload FROM rejected_message") == [
        ("http/cm-in/hikvision", "unknown_format", None)
    ]
    too_large = b'{"a": "' + b"x" * (5 << 20) + b'"}'
    broken = b"--b0\r\nA: b\r\n\r\n{}"
    two = form(('Content-Disposition: form-data; name="a"', b"{}"), ("A: b", b"<a/>"))
    for body, kind, status in (
        (too_large, "application/json", 413),
        (form(IMAGE, *[IMAGE] * 14), FORM, 413),
        (broken, FORM, 200),
        (two, FORM, 200),
        (b"nothing of the kind", "multipart/form-data", 200),
        (b"a=b", "application/x-www-form-urlencoded", 200),
    ):
        answer = await door.post(body, kind)
        assert answer.status_code == status
        assert status != 200 or len(answer.json()["rejected"]) == 1
    assert await door.rows("SELECT code, count(*) FROM rejected_message GROUP BY 1 ORDER BY 1") == [
        ("invalid_multipart", 4),
        ("unknown_format", 1),
    ]
    gzipped = await door.post(b"x", headers={"Content-Encoding": "gzip"})
    assert gzipped.status_code == 415


async def test_who_sends_too_much_may_end_and_is_told_why(door: Door) -> None:
    piece, pieces = b"x" * 65_536, 192
    reader, writer = await asyncio.open_connection(door.client.base_url.host, door.client.base_url.port)
    head = f"POST {PATH} HTTP/1.1\r\nHost: x\r\nX-Api-Key: {door.key.text}\r\n"
    writer.write(f"{head}Content-Length: {len(piece) * pieces}\r\n\r\n".encode())
    for _ in range(pieces):
        writer.write(piece)
        await writer.drain()
    assert (await reader.read()).startswith(b"HTTP/1.1 413")
    writer.close()
    await writer.wait_closed()


async def test_while_the_database_is_away_the_camera_keeps_its_read(door: Door) -> None:
    assert (await door.post(read("before"))).status_code == 200
    await door.proxy.refuse()
    door.proxy.reset()
    answer = await door.post(read("during", "T06KLM"))
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    await door.proxy.accept()

    async def again() -> bool:
        return (await door.post(read("during", "T06KLM"))).status_code == 200

    await until(again, timeout=60, what="the read is stored")
    assert await door.rows("SELECT event_id FROM gate_event ORDER BY 1") == [("before",), ("during",)]


async def test_every_vendors_messages_are_read_as_they_are_by_mqtt(door: Door) -> None:
    """Their times are long past, so what was read of them is on record as too late."""
    for name, body in BODIES.items():
        kind = "application/xml" if body.lstrip().startswith(b"<") else "application/json"
        in_parts = form(('Content-Disposition: form-data; name="a"', body), IMAGE)
        for content, content_type in ((body, kind), (in_parts, FORM)):
            answer = (await door.post(content, content_type)).json()
            codes = {one["code"] for one in answer["rejected"]}
            assert codes <= {"too_late"}, (name, answer)
            assert answer["vehicles"] + len(answer["rejected"]) >= 1, (name, answer)


async def test_the_shared_messages_are_read(door: Door, shared_dir: Path) -> None:
    lines = (shared_dir / "vectors" / "anpr.jsonl").read_text().splitlines()
    posted = 0
    for row in map(json.loads, lines):
        if row["expected"]["plate"] is None:
            continue
        body = row["payload"].encode()
        answer = (await door.post(body, "application/octet-stream")).json()
        codes = {one["code"] for one in answer["rejected"]}
        assert codes <= {"too_late", "too_early"}, (row["model"], answer)
        assert answer["vehicles"] + len(answer["rejected"]) == row["expected"].get("n_results", 1)
        posted += 1
    assert posted > 20
