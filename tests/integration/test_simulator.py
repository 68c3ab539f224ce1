"""The simulated city against a real broker: what the ledger says was acknowledged is what arrives."""

import asyncio
import json
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from hashlib import sha256
from pathlib import Path
from urllib.parse import unquote, urlsplit

import aiomqtt
import pytest
from pydantic import SecretStr

from parking.errors import BrokerUnavailable, SettingsError
from parking.settings import Settings
from sensors_sim.faults import Faults
from sensors_sim.ledger import Ledger, load_ledger
from sensors_sim.options import Options
from sensors_sim.runner import CONNECT_S, Run
from tests.conftest import Broker, StartProcess
from tests.support.polling import until

FILTERS = ("parking/v1/#", "v3/#", "application/#", "frigate/#")
Arrived = Counter[tuple[str, str]]


@asynccontextmanager
async def _listening(url: str) -> AsyncIterator[Arrived]:
    """Count everything that the city publishes, by topic and digest."""
    parts = urlsplit(url)
    arrived: Arrived = Counter()
    client = aiomqtt.Client(
        parts.hostname or "",
        parts.port or 1883,
        username=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
    )

    async def collect() -> None:
        async for message in client.messages:
            assert isinstance(message.payload, bytes)
            arrived[str(message.topic), sha256(message.payload).hexdigest()] += 1

    async with client, asyncio.TaskGroup() as group:
        for topic in FILTERS:
            await client.subscribe(topic, qos=1)
        task = group.create_task(collect())
        yield arrived
        task.cancel()


def _acknowledged(ledger: Ledger) -> Arrived:
    return Counter((message.topic, message.sha256) for message in ledger.messages)


def _settings(url: str) -> Settings:
    return Settings(mqtt_url=SecretStr(url))


async def _check_whole(ledger: Ledger, arrived: Arrived) -> None:
    """What was acknowledged arrives, no more and no less, and the ledger ends as its events say."""
    expected = _acknowledged(ledger)
    await until(lambda: arrived == expected, what=lambda: f"{expected.total()} arrive, not {arrived.total()}")
    assert ledger.final is not None
    assert ledger.end is not None
    assert ledger.end.acknowledged == len(ledger.messages) == expected.total()
    assert ledger.final.bays | ledger.replay() == ledger.final.bays


async def test_what_the_broker_acknowledged_is_what_arrives(broker: Broker, tmp_path: Path) -> None:
    options = Options(bays=200, sites=8, speed=120, duration_s=9, heartbeat_s=5, ledger=tmp_path / "truth")
    async with _listening(broker.url) as arrived:
        await Run(options, _settings(broker.url))(asyncio.Event())
        ledger = load_ledger(tmp_path / "truth")
        await _check_whole(ledger, arrived)
    assert ledger.end is not None
    assert (ledger.end.reason, ledger.end.lost, ledger.end.unsent) == ("duration", 0, 0)
    assert ledger.final is not None
    assert ledger.final.bays == ledger.final.truth
    assert len(list(ledger.told_events())) == len(ledger.events)
    assert {topic.split("/")[0] for topic, _ in arrived} == {"parking", "v3", "application", "frigate"}


async def test_with_faults_the_copies_arrive_and_the_lost_do_not(broker: Broker, tmp_path: Path) -> None:
    faults = Faults(duplicate=0.2, late=0.2, lost=0.2)
    options = Options(
        bays=200, sites=8, speed=120, duration_s=3, heartbeat_s=3, ledger=tmp_path / "truth", faults=faults
    )
    async with _listening(broker.url) as arrived:
        await Run(options, _settings(broker.url))(asyncio.Event())
        ledger = load_ledger(tmp_path / "truth")
        await _check_whole(ledger, arrived)
    assert len(ledger.lost) > 20
    assert not {record.number for record in ledger.lost} & {message.number for message in ledger.messages}
    assert max(arrived.values()) == 2


async def test_a_broker_that_goes_away_costs_nothing(broker: Broker, tmp_path: Path) -> None:
    options = Options(bays=100, sites=6, speed=120, heartbeat_s=2, ledger=tmp_path / "truth")
    stopped = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(Run(options, _settings(broker.url))(stopped))

        def messages() -> int:
            path = tmp_path / "truth"
            return len(load_ledger(path).messages) if path.exists() and path.stat().st_size else 0

        await until(lambda: messages() > 150, what="the city speaks")
        await broker.stop()
        before = messages()
        await broker.start()
        await until(lambda: messages() > before + 150, what="the city speaks again")
        stopped.set()
    ledger = load_ledger(tmp_path / "truth")
    assert ledger.end is not None
    assert (ledger.end.reason, ledger.end.unsent) == ("signal", 0)
    assert ledger.final is not None
    assert ledger.final.bays == ledger.final.truth == ledger.replay()
    numbers = [message.number for message in ledger.messages]
    assert sorted(numbers) == list(range(1, max(numbers) + 1))


async def test_without_a_broker_it_says_where_it_looked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sensors_sim.runner.CONNECT_S", 0.5)
    with pytest.raises(BrokerUnavailable, match=r"127\.0\.0\.1:9\b.*refused"):
        await Run(Options(bays=5, sites=1), _settings("mqtt://127.0.0.1:9"))(asyncio.Event())


async def test_a_wrong_password_is_told_at_once(broker: Broker) -> None:
    begun = time.monotonic()
    with pytest.raises(BrokerUnavailable, match=r"(?i)authori[sz]ed|password"):
        await Run(Options(bays=5, sites=1), _settings(f"mqtt://parking:wrong@127.0.0.1:{broker.port}"))(
            asyncio.Event()
        )
    assert time.monotonic() - begun < CONNECT_S / 2


async def test_a_ledger_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="ledger"):
        Run(Options(ledger=tmp_path / "nowhere" / "truth"), _settings("mqtt://127.0.0.1:9"))


async def test_the_command_ends_cleanly_on_sigterm(
    broker: Broker, tmp_path: Path, process: StartProcess
) -> None:
    path = tmp_path / "truth"
    arguments = ("--bays", "60", "--sites", "4", "--speed", "120", "--ledger", str(path))
    city = await process("simulate", *arguments, env={"PARKING_MQTT_URL": broker.url})

    def heard() -> bool:
        lines = path.read_bytes().splitlines() if path.exists() else []
        return sum(b'"kind":"boot"' in line for line in lines) == 60

    await until(heard, timeout=20, what="every sensor has started")
    assert await city.terminate() == 0, city.output
    ledger = load_ledger(path)
    assert ledger.end is not None
    assert (ledger.end.reason, ledger.end.unsent) == ("signal", 0)
    assert ledger.final is not None
    assert ledger.final.bays == ledger.final.truth


async def test_the_command_writes_the_registry_and_ends(tmp_path: Path, process: StartProcess) -> None:
    path = tmp_path / "city.json"
    city = await process("simulate", "--bays", "60", "--sites", "4", "--write-registry", str(path))
    assert await city.wait(20) == 0, city.output
    assert sum(len(site.get("bays", [])) for site in json.loads(path.read_text())["sites"]) == 60


async def test_the_command_refuses_a_rate_that_is_none(process: StartProcess) -> None:
    city = await process("simulate", "--late", "2")
    assert await city.wait(20) != 0
    assert "late is a rate from 0 to 1" in city.output
    assert "Traceback" not in city.output
