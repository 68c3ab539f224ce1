"""No number plate anywhere: in no table, log line, rejected message, retained topic or file of the broker."""

import asyncio
import json
import os
import re
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import aiomqtt
import httpx
import pytest
from psycopg import sql

from bench import wire
from cli.embedded.ports import choose_port
from parking.access_keys import Scope
from parking.db.books import keep_books
from parking.db.connect import Connection, connect
from parking.plates import fold
from sensors_sim.plates import plate_of
from tests.acceptance.rig import CLIENT_ID
from tests.acceptance.system import System, system
from tests.conftest import StartProcess
from tests.support.access import bearer, key_of
from tests.support.cameras import form
from tests.support.city import load, small_registry
from tests.support.polling import until
from tests.support.publishing import publishing
from tests.support.services import Services

pytestmark = [pytest.mark.mosquitto, pytest.mark.timescale]

SEED = 7
STRAY = [plate_of(SEED, vehicle) for vehicle in range(1_000_000, 1_000_040)]
"""Plates that no simulated vehicle has, for messages of our own."""
POSTED = [plate_of(SEED, vehicle) for vehicle in range(1_000_040, 1_000_060)]
"""Others, for what is posted over HTTP."""


@pytest.fixture
async def city(
    database_url: str, mqtt_url: str, tmp_path: Path, process: StartProcess
) -> AsyncIterator[System]:
    layout = ("--bays", "10", "--sites", "6", "--seed", str(SEED))
    async with system(
        database_url=database_url, mqtt_url=mqtt_url, folder=tmp_path, start=process, city=layout
    ) as made:
        made.env["PARKING_LOG_LEVEL"] = "debug"
        yield made


@asynccontextmanager
async def listening(url: str, *topics: str) -> AsyncIterator[list[tuple[str, bytes, bool]]]:
    """Topic, payload and retained flag of all that is published, and of all that is retained."""
    parts = urlsplit(url)
    heard: list[tuple[str, bytes, bool]] = []

    async def collect(client: aiomqtt.Client) -> None:
        async for message in client.messages:
            assert isinstance(message.payload, bytes)
            heard.append((str(message.topic), message.payload, message.retain))

    async with aiomqtt.Client(
        parts.hostname or "",
        parts.port or 1883,
        username=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
    ) as client:
        for topic in topics:
            await client.subscribe(topic, qos=1)
        task = asyncio.create_task(collect(client))
        yield heard
        assert not task.done(), task.exception()
        task.cancel()


def plates_in(payloads: Iterable[bytes]) -> set[str]:
    """The plates that cameras told, misread ones too."""
    found = re.findall(rb'"(?:plate|recognized_license_plate)":"([^"]+)"', b"\n".join(payloads))
    return {plate.decode() for plate in found}


def strays() -> list[tuple[str, bytes]]:
    """Plate reads as they should not come, a plate in each: malformed, of strangers, on wrong topics."""
    plates = iter(STRAY)

    def lpr(camera: str = "nobody") -> bytes:
        now = datetime.now(UTC).timestamp()
        read = {"type": "lpr", "id": "1.1-a", "camera": camera, "plate": next(plates), "timestamp": now}
        return json.dumps(read).encode()

    def event() -> bytes:
        return json.dumps({"after": {"id": 7, "recognized_license_plate": [next(plates), "high"]}}).encode()

    topics = [
        "frigate/tracked_object_update",
        "frigate/events",
        "frigate/reviews",
        "parking/v1/nowhere/anpr/nobody/read",
        "parking/v1/bay/anpr/nobody/read",
        "parking/v1/nowhere/anpr/gateway/read",
        "parking/v1/nowhere/anpr/nobody/reed",
        "parking/v1/nowhere/bay/nobody/up",
        "parking/v1/nowhere/gateway/nobody/up",
        "parking/anpr",
        "v3/app@tenant/devices/camera/up",
        "application/1/device/a84041000181c061/event/up",
    ]
    whole = [(topic, lpr()) for topic in topics]
    cut = [(topic, lpr()[:-7]) for topic in topics]
    bare = [(topic, next(plates).encode()) for topic in topics[:6:5]]
    text = [(topic, json.dumps(next(plates)).encode()) for topic in topics[-3:]]
    return [*whole, *cut, *bare, *text, ("frigate/events", event())]


async def post_strays(city: System, camera: str) -> int:
    """Post plate reads, as they should come and as they should not; how many are rejected."""
    key = await key_of(city.database_url, Scope.CAMERAS_PUSH, name="cameras")
    plates = iter(POSTED)
    path, rejected = f"/v1/cameras/{camera}", 0

    def good() -> bytes:
        now = int(datetime.now(UTC).timestamp() * 1000)
        read = {"data_type": "alpr_group", "best_uuid": f"g{now}", "camera_id": 1, "epoch_start": now}
        return json.dumps(read | {"best_plate_number": next(plates), "best_confidence": 90}).encode()

    def named(part: str) -> tuple[str, bytes]:
        return (f'Content-Disposition: form-data; name="a"; filename="{next(plates)}.{part}"', good())

    image = ('Content-Disposition: form-data; name="i"; filename="i.jpg"', next(plates).encode() * 99)
    multipart = {"Content-Type": "multipart/form-data; boundary=b0"}
    posts: list[tuple[str, bytes, dict[str, str]]] = [
        (path, good(), {}),
        (path, form(named("json"), image), multipart),
        (f"{path}/isapi/{next(plates)}", b"{" + good(), {}),
        (f"{path}?plate={next(plates)}", good()[:-9], {}),
        (f"/v1/cameras/{next(plates)}", good(), {}),
        (f"/{next(plates)}", good(), {}),
        (path, form(named("json"), named("xml")), multipart),
        (path, form(named("json"))[:-9], multipart),
        (path, b"<a>" + next(plates).encode(), {"Content-Type": "application/xml"}),
        (path, b"json=" + next(plates).encode(), {"Content-Type": "application/x-www-form-urlencoded"}),
    ]
    url = f"http://127.0.0.1:{city.env['PARKING_CAMERA_HTTP_PORT']}"
    async with httpx.AsyncClient(base_url=url, timeout=30, trust_env=False) as client:
        answers = [
            await client.post(to, content=body, headers=bearer(key) | headers) for to, body, headers in posts
        ]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 200, 404, 404, 200, 200, 200, 200]
    for answer in answers:
        assert found_in(answer.text, set(POSTED)) <= found_in(str(answer.url), set(POSTED)), answer.text
        rejected += len(answer.json()["rejected"]) if answer.status_code == 200 else 0
    return rejected


async def everything_stored(connection: Connection) -> str:
    """All columns of all tables as text, binary ones as hexadecimal and as the text that they may be."""
    cursor = await connection.execute(
        "SELECT table_name, column_name, data_type FROM information_schema.columns"
        " WHERE table_schema = 'public'"
    )
    texts = []
    for table, column, kind in await cursor.fetchall():
        name = sql.Identifier(column)
        shown = sql.SQL("encode({}, 'escape')" if kind == "bytea" else "{}::text").format(name)
        cursor = await connection.execute(
            sql.SQL("SELECT string_agg({}, ' ') FROM {}").format(shown, sql.Identifier(table))
        )
        texts += [str(text) for (text,) in await cursor.fetchall() if text]
    return "\n".join(texts)


def found_in(text: str, plates: set[str]) -> set[str]:
    """Which plates stand in a text: as they are, spaced or in look-alikes within one word."""
    # Longer words are tokens in hexadecimal, where chance may write anything.
    words = " ".join({fold(word) for word in set(re.findall(r"\w{5,40}", text))})
    lower = text.lower()
    return {plate for plate in plates if fold(plate) in words or plate.lower() in lower}


def written(paths: Iterable[Path]) -> dict[str, str]:
    """What these files hold."""
    return {path.name: path.read_text(errors="replace") for path in paths}


async def broker_files(request: pytest.FixtureRequest, services: Services) -> dict[str, str]:
    """What the test's own broker keeps on disk, saved just now; nothing of one that others use."""
    if not services.runs_own_mosquitto:
        return {}
    broker = request.getfixturevalue("broker")
    # Who asks what a session holds takes it over: by then the broker has read all that its client sent.
    await until(lambda: wire.waiting(broker.url, CLIENT_ID) == 0, what="the broker waits for nobody")
    await broker.save()
    files = [path for path in broker.store.rglob("*") if path.is_file() and path.name != "passwords"]
    assert files
    return written(files)


async def test_no_plate_is_found_after_a_run_with_all_kinds_of_reads(
    city: System, mqtt_url: str, services: Services, request: pytest.FixtureRequest
) -> None:
    city.env["PARKING_CAMERA_HTTP_PORT"] = str(choose_port())
    await city.start_ingest()
    await city.start_api()
    async with listening(mqtt_url, "frigate/#") as told:
        simulator = await city.simulate("--speed", "600", "--duration", "10", "--misread", "0.3")
        assert await simulator.wait(60) == 0, simulator.output
    bad = strays()
    async with publishing(mqtt_url) as publish:
        for topic, payload in bad:
            await publish(topic, payload)
    used = {plate for plate in STRAY if any(plate.encode() in payload for _, payload in bad)}
    plates = plates_in(payload for _, payload, _ in told) | used
    assert len(used) == len(bad)
    plates |= set(POSTED)
    assert len(plates) > len(bad) + 20

    async with connect(city.database_url, name="test", autocommit=True) as connection:
        cursor = await connection.execute("SELECT min(camera_id) FROM gate")
        ((camera,),) = await cursor.fetchall()
        rejected = await post_strays(city, camera)

        async def all_rejected() -> bool:
            cursor = await connection.execute("SELECT count(*) FROM rejected_message")
            # Frigate's reviews are none of our business, so two of them are passed over.
            return await cursor.fetchone() == (len(bad) - 2 + rejected,)

        await until(all_rejected, timeout=60, what="the stray messages are rejected")
        cursor = await connection.execute("SELECT count(*), count(token) FROM gate_event")
        passages, tokens = await cursor.fetchone() or (0, 0)

        # As the ingestor does every quarter of an hour.
        now, window = datetime.now(UTC), timedelta(days=1)
        await keep_books(connection, now=now + timedelta(minutes=15), window=window, late=7 * window)
        cursor = await connection.execute(
            "SELECT (SELECT count(*) FROM gate_books), (SELECT count(*) FROM visit)"
        )
        assert min(await cursor.fetchone() or (0,)) > 0
        assert passages == tokens > 20
        tables = await everything_stored(connection)
    async with listening(mqtt_url, "#") as kept:
        sites = {site["id"] for site in (await city.get("/v1/sites"))["sites"]}
        wanted = {f"parking/v1/{site}/availability" for site in sites}
        # What the ingestor says anew meanwhile comes too, and is no retained message.
        await until(
            lambda: wanted <= {topic for topic, _, retained in kept if retained},
            what="every site is retained",
        )
    others = {topic for topic, _, _ in kept} - wanted
    assert {topic.split("/")[3] for topic in others} <= {"sign"}
    for running in city.processes.values():
        assert await running.terminate() == 0, running.output

    logs = written(city.folder.glob("parking-*.log")) | written([city.ledger_file])
    assert len(logs) == 6
    files = await broker_files(request, services)
    everything = {"tables": tables, "retained": str(kept), **logs, **files}
    assert {place: found for place, text in everything.items() if (found := found_in(text, plates))} == {}
    # The search itself finds what is there.
    assert found_in(f"x={used.copy().pop().lower()};", used)


async def test_tokens_and_keys_past_the_pairing_window_are_gone_soon_after_the_start(
    database_url: str, mqtt_url: str, tmp_path: Path, process: StartProcess
) -> None:
    await load(database_url, small_registry())
    keys = tmp_path / "keys"
    keys.mkdir(mode=0o700)
    now = datetime.now(UTC)
    ages = {"old": timedelta(hours=60), "young": timedelta(minutes=1)}
    paths = {age: keys / f"castle-mews@{(now - since).date()}.key" for age, since in ages.items()}
    for path in paths.values():
        path.touch(mode=0o600)
        path.write_bytes(os.urandom(32))
    async with connect(database_url, name="test", autocommit=True) as connection:
        for age, since in ages.items():
            await connection.execute(
                "INSERT INTO gate_event VALUES ('cm-in', 'castle-mews', %s, %s, 'in', NULL, %s, now())",
                (now - since, age, os.urandom(32)),
            )

        async def kept() -> Any:
            cursor = await connection.execute("SELECT event_id FROM gate_event WHERE token IS NOT NULL")
            return await cursor.fetchall(), {age for age, path in paths.items() if path.exists()}

        assert await kept() == ([("old",), ("young",)], {"old", "young"})
        env = {"PARKING_DATABASE_URL": database_url, "PARKING_MQTT_URL": mqtt_url, "PARKING_INGEST_PORT": "0"}
        ingestor = await process("ingest", env=env | {"PARKING_PLATE_KEY_DIR": str(keys)})

        async def old_ones_gone() -> bool:
            return bool(await kept() == ([("young",)], {"young"}))

        await until(old_ones_gone, timeout=15, what=lambda: f"old ones are gone: {ingestor.output}")
        assert await ingestor.terminate() == 0
