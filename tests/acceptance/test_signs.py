"""Signs by real processes: one number everywhere, and blank when the line is cut or the ingestor is dead."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import unquote, urlsplit

import aiomqtt
import httpx
import pytest

from tests.conftest import StartProcess
from tests.support.city import load
from tests.support.ingestor import HandIngestor
from tests.support.polling import PATIENCE_S, until
from tests.support.processes import ParkingProcess
from tests.support.proxy import Proxy
from tests.support.signs import STREET, THRESHOLDS, signed_street, states

QUICK = {"PARKING_SIGN_VALID_S": "5", "PARKING_SIGN_POLL_S": "1", "PARKING_STALE_AFTER_S": "8"}
SIGNS = (
    {"id": "plain", "name": "High Street"},
    {"id": "slow", "thresholds": THRESHOLDS, "min_change_s": 1},
)


@pytest.fixture
async def street_url(database_url: str) -> str:
    await load(database_url, signed_street(*SIGNS))
    return database_url


async def started(process: StartProcess, database_url: str, mqtt_url: str) -> tuple[ParkingProcess, str]:
    """A real ingestor, and the address of a real API."""
    env = {"PARKING_DATABASE_URL": database_url, "PARKING_MQTT_URL": mqtt_url, **QUICK}
    ingest = await process("ingest", env={**env, "PARKING_INGEST_PORT": "0"})
    api = await process("api", env={**env, "PARKING_API_PORT": "0"})
    url = (await api.wait_for_output(r"http://127\.0\.0\.1:\d+")).group()
    await ingest.wait_for_output("deciding for the signs")
    return ingest, url


@asynccontextmanager
async def retained(mqtt_url: str) -> AsyncIterator[dict[str, dict[str, Any]]]:
    """What is retained for each sign, kept up to date."""
    parts = urlsplit(mqtt_url)
    told: dict[str, dict[str, Any]] = {}
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    async with aiomqtt.Client(
        parts.hostname or "", parts.port or 1883, username=user, password=password
    ) as client:
        await client.subscribe("parking/v1/+/sign/+", qos=1)

        async def read() -> None:
            async for message in client.messages:
                assert isinstance(message.payload, bytes)
                told[message.topic.value.rpartition("/")[2]] = json.loads(message.payload)

        task = asyncio.create_task(read())
        try:
            yield told
        finally:
            task.cancel()
            await asyncio.wait((task,))


async def test_the_sign_the_app_and_the_topic_say_the_same_of_one_revision(
    process: StartProcess, street_url: str, mqtt_url: str
) -> None:
    _, url = await started(process, street_url, mqtt_url)
    with HandIngestor(street_url) as hand:
        async with (
            retained(mqtt_url) as topics,
            httpx.AsyncClient(base_url=url, trust_env=False, timeout=PATIENCE_S) as http,
        ):
            for free in (5, 0, 2, 6):
                revision = hand.publish(STREET, states(free))

                async def agree(wanted: int = revision) -> list[dict[str, Any]]:
                    """All who tell, once they all tell of this revision."""
                    ids = ("plain", "slow")
                    site = (await http.get(f"/v1/sites/{STREET}")).json()
                    asked = [(await http.get(f"/v1/signs/{id}")).json() for id in ids]
                    heard = [topics.get(id, {}) for id in ids]
                    everybody = [site, *asked, *heard]
                    return everybody if all(one.get("revision") == wanted for one in everybody) else []

                site, plain, slow, plain_topic, slow_topic = await until(agree, what=f"revision {revision}")
                assert site["vacant"] == free
                assert plain["text"] == (str(free) if free else "FULL")
                # Full at one or fewer, until there are more than three.
                assert slow["text"] == ("FULL" if free in (0, 2) else str(free))
                for one, other in ((plain, plain_topic), (slow, slow_topic)):
                    assert {**one, "valid_until": ""} == {**other, "valid_until": ""}


def frames(client: ParkingProcess) -> list[dict[str, Any]]:
    """What the controller has shown so far."""
    return [json.loads(line) for line in client.output.splitlines() if line.startswith("{")]


async def until_shows(client: ParkingProcess, text: str, *, timeout: float = 20) -> dict[str, Any]:
    """Wait until the last that the controller shows is this."""

    def shows() -> dict[str, Any] | None:
        shown = frames(client)
        return shown[-1] if shown and shown[-1]["text"] == text else None

    return await until(shows, timeout=timeout, what=lambda: f"it shows {text!r}:\n{client.output}")


async def test_a_controller_blanks_itself_when_the_line_is_cut_and_comes_back(
    process: StartProcess, street_url: str, mqtt_url: str
) -> None:
    _, url = await started(process, street_url, mqtt_url)
    with HandIngestor(street_url) as hand:
        hand.publish(STREET, states(4))
    async with Proxy(url) as line:
        client = await process("sign-client", "plain", "--url", line.url, "--json")
        await until_shows(client, "4")
        line.freeze()
        blank = await until_shows(client, "")
        assert "valid no more" in blank["reason"]
        line.resume()
        await until_shows(client, "4")
        await line.refuse()
        line.reset()
        await until_shows(client, "")
        await line.accept()
        await until_shows(client, "4")
        assert await client.terminate() == 0


async def test_a_dead_ingestor_leaves_no_number_on_any_sign(
    process: StartProcess, street_url: str, mqtt_url: str
) -> None:
    ingest, url = await started(process, street_url, mqtt_url)
    with HandIngestor(street_url) as hand:
        hand.publish(STREET, states(5))
        plain = await process("sign-client", "plain", "--url", url, "--json")
        slow = await process("sign-client", "slow", "--url", url, "--json")
        await until_shows(plain, "5")
        await until_shows(slow, "5")
        await ingest.kill()
        for client in (plain, slow):
            assert "too old" in (await until_shows(client, ""))["reason"]
        # What it has left at the broker ends by itself.
        async with retained(mqtt_url) as topics:
            told = await until(lambda: topics.get("plain"), what="the retained message")
            assert told["text"] == "5"
            ((now,),) = hand.run("SELECT now()")
            assert datetime.fromisoformat(told["valid_until"]) - now < timedelta(seconds=5)


async def test_asked_once_it_prints_what_is_shown_or_fails(
    process: StartProcess, street_url: str, mqtt_url: str
) -> None:
    _, url = await started(process, street_url, mqtt_url)
    with HandIngestor(street_url) as hand:
        hand.publish(STREET, states(3))
    async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=PATIENCE_S) as http:

        async def told() -> bool:
            return bool((await http.get("/v1/signs/plain")).json().get("text") == "3")

        await until(told, what="the API tells it")
    once = await process("sign-client", "plain", "--url", url, "--once")
    assert await once.wait(20) == 0
    assert "  3  6 of 6 spaces report" in once.output
    wrong = await process("sign-client", "no-such", "--url", url, "--once")
    assert await wrong.wait(20) == 1
    assert "there is no sign 'no-such'" in wrong.output
