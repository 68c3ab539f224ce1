"""The real system for acceptance tests: real processes on a real broker and a real database."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from cli.embedded.ports import choose_port
from parking.db.connect import Connection, connect
from sensors_sim.ledger import Identity, Ledger, load_ledger
from tests.support.polling import PATIENCE_S, until
from tests.support.processes import ParkingProcess

ARRIVAL_TOLERANCE_S = 3.0
"""An event's time is its message's arrival less its age, which counts whole seconds."""


@dataclass
class System:
    """Settings, processes and questions about one system."""

    env: dict[str, str]
    folder: Path
    start: Callable[..., Awaitable[ParkingProcess]]
    city: list[str]
    database_url: str
    processes: dict[str, ParkingProcess] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """Where the API is."""
        return f"http://127.0.0.1:{self.env['PARKING_API_PORT']}"

    @property
    def ledger_file(self) -> Path:
        """Where the simulator writes the truth."""
        return self.folder / "ledger.jsonl"

    async def command(self, *arguments: str) -> ParkingProcess:
        """Run `parking ...` to its end; it must succeed."""
        process = await self.start(*arguments, env=self.env)
        code = await process.wait(60)
        assert code == 0, process.output
        return process

    async def start_ingest(self) -> ParkingProcess:
        """Start the ingestor; returns once its session at the broker exists."""
        process = await self.start("ingest", env=self.env)
        await process.wait_for_output("connected to the broker")
        self.processes["ingest"] = process
        return process

    async def start_api(self) -> ParkingProcess:
        """Start the API; returns once it says that it and all behind it are ready."""
        process = await self.start("api", env=self.env)
        await process.wait_for_http(f"{self.url}/readyz")
        self.processes["api"] = process
        return process

    async def simulate(self, *arguments: str) -> ParkingProcess:
        """Start the simulator of the system's city."""
        return await self.start(
            "simulate", *self.city, "--ledger", str(self.ledger_file), *arguments, env=self.env
        )

    async def get(self, path: str) -> Any:
        """What the API answers, as JSON."""
        async with httpx.AsyncClient(base_url=self.url, timeout=PATIENCE_S, trust_env=False) as client:
            answer = await client.get(path)
            assert answer.status_code == 200, answer.text
            return answer.json()

    def ledger(self) -> Ledger:
        """The truth so far."""
        return load_ledger(self.ledger_file)


@asynccontextmanager
async def system(
    *,
    database_url: str,
    mqtt_url: str,
    folder: Path,
    start: Callable[..., Awaitable[ParkingProcess]],
    city: tuple[str, ...] = ("--bays", "60", "--sites", "6", "--seed", "7"),
) -> AsyncIterator[System]:
    """A migrated system with its city's registry loaded; no process runs yet."""
    env = {
        "PARKING_DATABASE_URL": database_url,
        "PARKING_MQTT_URL": mqtt_url,
        "PARKING_API_PORT": str(choose_port()),
        "PARKING_INGEST_PORT": "0",
        "PARKING_PLATE_KEY_DIR": str(folder / "plate-keys"),
    }
    made = System(env, folder, start, list(city), database_url)
    registry = folder / "city.json"
    await made.command("simulate", *city, "--write-registry", str(registry))
    await made.command("registry", "import", str(registry))
    yield made


async def stored_events(connection: Connection) -> dict[Identity, tuple[str, Any]]:
    """The state and time of each stored event."""
    cursor = await connection.execute("SELECT device_id, session, seq, part, state, event_at FROM bay_event")
    rows = await cursor.fetchall()
    found = {Identity(*row[:4]): (row[4], row[5]) for row in rows}
    assert len(found) == len(rows), "an identity was stored twice"
    return found


async def assert_equal_to_ledger(system: System, *, timeout: float = 90) -> None:
    """Wait until all that the broker acknowledged is stored; then everything must equal the truth."""
    ledger = system.ledger()
    assert ledger.final is not None, "the simulator wrote its last line"
    told = {event.identity: event for event in ledger.told_events()}
    reads = {message.read for message in ledger.messages if message.read}
    async with connect(system.database_url, name="test", autocommit=True) as connection:

        async def complete() -> bool:
            cursor = await connection.execute(
                "SELECT (SELECT count(*) FROM bay_event), (SELECT count(*) FROM gate_event)"
            )
            return await cursor.fetchone() == (len(told), len(reads))

        await until(
            complete, timeout=timeout, every=0.2, what=f"{len(told)} events, {len(reads)} passages stored"
        )
        stored = await stored_events(connection)
        cursor = await connection.execute("SELECT event_id FROM gate_event")
        passages = [event_id for (event_id,) in await cursor.fetchall()]
        cursor = await connection.execute("SELECT code, detail FROM rejected_message")
        assert await cursor.fetchall() == []
    assert stored.keys() == told.keys()
    assert {i: state for i, (state, _) in stored.items()} == {i: e.state for i, e in told.items()}
    assert sorted(passages) == sorted(reads)


def late_by(ledger: Ledger, stored: dict[Identity, tuple[str, Any]]) -> float:
    """By how many seconds at most a stored event's time is off the truth."""
    return max(
        (abs((stored[e.identity][1] - e.at).total_seconds()) for e in ledger.told_events()), default=0.0
    )


async def assert_api_equals_ledger(system: System) -> None:
    """Every bay's state and every site's count, as a driver sees them, equal the truth."""
    final = system.ledger().final
    assert final is not None

    async def differences() -> dict[str, Any]:
        found: dict[str, Any] = {}
        for site in (await system.get("/v1/sites"))["sites"]:
            true = final.sites[site["id"]]
            shown = (site["vacant"], site["occupied"], site["unknown"])
            if shown != (true.vacant, true.occupied, true.unknown):
                found[site["id"]] = (shown, true)
            assert sum(shown) == site["capacity"]
            for bay in (await system.get(f"/v1/sites/{site['id']}/bays"))["bays"]:
                if bay["state"] != final.bays[bay["id"]]:
                    found[bay["id"]] = (bay["state"], final.bays[bay["id"]])
        return found

    async def equal() -> bool:
        return not await differences()

    try:
        await until(equal, every=0.2, what="the API equals the ledger")
    except AssertionError as error:
        raise AssertionError(f"the API differs from the ledger: {await differences()}") from error
