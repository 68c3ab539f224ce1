"""What a SIGKILL of Mosquitto costs: `python -m bench.broker_kill [--json] [--quick]`.

A publisher that keeps each message until the broker acknowledges it, the broker, the real ingestor. The
broker is killed and started again; then every acknowledged message is looked for in the database. Needs
servers out of the Debian root of `make services`.
"""

import argparse
import asyncio
import json
import random
import re
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from statistics import mean
from typing import Any

import httpx

from bench import figures
from bench.ground import Ground, ground
from cli.embedded.ports import choose_port
from parking.db.connect import Connection, connect
from parking.db.registry import import_registry
from tests.support.mosquitto import PrivateMosquitto
from tests.support.polling import until
from tests.support.processes import ParkingProcess
from tests.support.services import find_services
from tests.support.steady import Told, publishing_steadily
from tests.support.traffic import identity, messages, town

RATE = 500.0
AT_ONCE = 1e9
SESSION = "parking-ingest"
LONGEST_BURST_S = 20.0
"""A broker that has not taken the burst by then is killed in the midst of it."""
SETTLED_S = 2.0
"""Nothing has been stored for this long: nothing more will come."""


@dataclass(frozen=True, slots=True)
class Setting:
    """A way to save the broker's store. The broker is killed between `from_s` and `to_s` after a save.

    On a new connection the publisher sends again what was acknowledged in the last `keep_s` seconds.
    """

    name: str
    settings: Mapping[str, str]
    from_s: float
    to_s: float
    keep_s: float = 0


SETTINGS = (
    Setting("autosave_interval 10 (shipped)", {}, 5, 15),
    Setting("autosave_interval 1", {"autosave_interval": "1"}, 3, 5),
    Setting("autosave_interval 1800 (default)", {"autosave_interval": "1800"}, 8, 12),
    *(
        Setting(
            f"autosave_on_changes, every {changes}",
            {"autosave_on_changes": "true", "autosave_interval": str(changes)},
            3,
            5,
        )
        for changes in (1, 100, 1000)
    ),
    Setting("autosave_interval 10, the publisher sends 20 s again", {}, 5, 15, keep_s=20),
)


@dataclass(frozen=True, slots=True)
class Kill:
    """One kill. `doubled` messages were delivered to the ingestor more than once; none is stored twice."""

    setting: str
    ingestor: str
    load: str
    acknowledged: int
    lost: int
    doubled: int
    publisher_per_s: float


@dataclass(slots=True)
class _Scene:
    """One broker, one database, one ingestor."""

    broker: PrivateMosquitto
    connection: Connection
    env: dict[str, str]
    folder: Path
    ingestor: ParkingProcess

    async def start_ingest(self) -> None:
        self.ingestor = _ingest(self.env, self.folder)
        await self.ingestor.wait_for_output("connected to the broker")


async def kill(found: Ground, setting: Setting, *, away: bool, burst: int, chance: random.Random) -> Kill:
    """Kill the broker once: after a burst of so many messages, if any, else under a steady load."""
    async with _scene(found, setting) as scene:
        if away:
            await scene.ingestor.terminate()
        # On a broker that has run for a while the session itself is long saved.
        await scene.broker.save()
        loop = asyncio.get_running_loop()
        begun = loop.time()
        source, rate = islice(messages(), burst or None), AT_ONCE if burst else RATE
        async with publishing_steadily(scene.broker.url, source, rate=rate, keep_s=setting.keep_s) as load:
            if burst:
                over = begun + LONGEST_BURST_S
                await until(
                    lambda: len(load.told) == burst or loop.time() > over,
                    timeout=2 * LONGEST_BURST_S,
                    every=0.001,
                )
            else:
                await asyncio.sleep(chance.uniform(setting.from_s, setting.to_s))
            reached = len(load.told) / (loop.time() - begun)
            await scene.broker.kill()
            await scene.broker.start()
            told = await load.end()
        if away:
            await scene.start_ingest()
        await _settled(scene)
        stored = await _stored(scene.connection)
        lost = sum(not _said(one) <= stored for one in told)
        received = await _received(scene)
    return Kill(
        setting=setting.name,
        ingestor="away" if away else "keeps up",
        load="burst" if burst else f"{RATE:.0f}/s",
        acknowledged=len(told),
        lost=lost,
        doubled=received - (len(told) - lost),
        publisher_per_s=reached,
    )


@asynccontextmanager
async def _scene(found: Ground, setting: Setting) -> AsyncIterator[_Scene]:
    database_url = await asyncio.to_thread(found.databases.create)
    try:
        async with (
            PrivateMosquitto(setting.settings) as broker,
            connect(database_url, name="parking bench", autocommit=True) as connection,
        ):
            await import_registry(connection, town())
            env = {
                "PARKING_DATABASE_URL": database_url,
                "PARKING_MQTT_URL": broker.url,
                "PARKING_MQTT_CLIENT_ID": SESSION,
                "PARKING_INGEST_PORT": str(choose_port()),
            }
            scene = _Scene(broker, connection, env, found.folder, _ingest(env, found.folder))
            try:
                await scene.ingestor.wait_for_output("connected to the broker")
                yield scene
            finally:
                await scene.ingestor.reap()
    finally:
        found.databases.drop(database_url)


def _ingest(env: Mapping[str, str], folder: Path) -> ParkingProcess:
    log = folder / "broker-kill-ingest.log"
    log.unlink(missing_ok=True)
    return ParkingProcess(["ingest"], env=env, log=log)


async def _settled(scene: _Scene) -> None:
    """Wait until the ingestor is connected and has received nothing for a while."""
    loop = asyncio.get_running_loop()
    last, since = -1, loop.time()

    async def quiet() -> bool:
        nonlocal last, since
        received = await _received(scene)
        if received != last:
            last, since = received, loop.time()
        return loop.time() - since > SETTLED_S and await _metric(scene, "broker_connected") == 1

    await until(quiet, timeout=120, every=0.1, what="everything that is left is stored")


async def _received(scene: _Scene) -> int:
    return int(await _metric(scene, "messages_received_total"))


async def _metric(scene: _Scene, name: str) -> float:
    async with httpx.AsyncClient(trust_env=False, timeout=10) as client:
        answer = await client.get(f"http://127.0.0.1:{scene.env['PARKING_INGEST_PORT']}/metrics")
    value = re.search(rf"(?m)^parking_ingest_{name} (\S+)$", answer.raise_for_status().text)
    assert value is not None, f"the ingestor counts {name}"
    return float(value[1])


def _said(told: Told) -> set[object]:
    """What must be stored of a message."""
    message = told.message
    said: set[object] = {known for known, _ in message.events}
    said |= {message.passage} if message.passage else set()
    return said | ({message.topic} if message.rejected_as else set())


async def _stored(connection: Connection) -> set[object]:
    async def rows(query: Any) -> list[tuple[Any, ...]]:
        return await (await connection.execute(query)).fetchall()

    events = [identity(*row) for row in await rows("SELECT device_id, session, seq, part FROM bay_event")]
    assert len(events) == len(set(events)), "an event was stored twice"
    passages = await rows("SELECT camera_id, event_id FROM gate_event")
    assert len(passages) == len(set(passages)), "a passage was stored twice"
    return {*events, *passages, *(topic for (topic,) in await rows("SELECT topic FROM rejected_message"))}


async def measure(*, quick: bool, say: Callable[[str], None]) -> list[Kill]:
    """Every setting, with an ingestor that keeps up and one that is away, steadily and in a burst."""
    chance = random.Random(1)
    kills = []
    async with ground(broker=False) as found:
        for setting in SETTINGS[1:2] if quick else SETTINGS:
            for away in (True,) if quick else (False, True):
                for burst in (0, 500 if quick else 20_000):
                    for _ in range(1 if quick or burst else 3):
                        kills.append(await kill(found, setting, away=away, burst=burst, chance=chance))
                        say(str(kills[-1]))
    return kills


def table(kills: list[Kill]) -> str:
    """A row for each setting, ingestor and load, the mean and the worst of its kills."""
    groups: dict[tuple[str, str, str], list[Kill]] = {}
    for one in kills:
        groups.setdefault((one.setting, one.ingestor, one.load), []).append(one)
    lines = [
        "| how the broker saves | ingestor | load | acknowledged | lost: mean, worst | delivered again"
        " | acknowledged a second |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, group in groups.items():
        acknowledged, lost = mean(k.acknowledged for k in group), mean(k.lost for k in group)
        doubled, rate = mean(k.doubled for k in group), mean(k.publisher_per_s for k in group)
        cells = (f"{acknowledged:,.0f}", f"{lost:,.0f}, {max(k.lost for k in group):,}", f"{doubled:,.0f}")
        lines.append(f"| {' | '.join((*name, *cells))} | {rate:,.0f} |")
    return "\n".join(lines)


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.broker_kill", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of a table")
    parser.add_argument("--quick", action="store_true", help="one small setting: whether it works")
    arguments = parser.parse_args()
    if not find_services().runs_own_mosquitto:
        sys.exit("bench.broker_kill needs a Mosquitto of its own: `make services` as root on Debian")
    kills = asyncio.run(measure(quick=arguments.quick, say=lambda text: print(text, file=sys.stderr)))
    if arguments.json:
        print(json.dumps({**figures.machine(), "kills": [asdict(one) for one in kills]}))
    else:
        print(table(kills))


if __name__ == "__main__":
    main()
