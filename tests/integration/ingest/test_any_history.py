"""Whatever is sent, in whatever order and however often it arrives, whatever dies: the same rows.

A state machine of sensors, a gateway, a network server, cameras and vandals on one side, and two ingestors
that take turns, die and come back on the other. In the end everything that was delivered is given once more
to one ingestor in one batch, into an empty database: that must hold the same. Hypothesis shrinks what differs
to a few steps.
"""

import asyncio
import base64
import hashlib
import json
from collections import Counter
from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from firmware_protocol import codec
from firmware_protocol.frames import Bundle, BundleEntry, FrameType, State, StateFrame
from ingest.authentic import Verifier
from ingest.source import Message
from ingest.writer import Admitted, Writer
from parking.columns import microseconds
from parking.db.connect import connect
from parking.registry import parse_registry
from tests.support.city import RESET, Stored, load, read_back, small_registry
from tests.support.sealing import sealed
from tests.support.writing import writing_to

T = TypeVar("T")
START = datetime(2026, 10, 25, 0, 0, tzinfo=UTC)  # the clocks go back an hour later
POD = "a84041000181c061"
SENSORS = [(0, 0), (0, 1), (1, 0)]
SEALER, SECRET = "sensor-1-0", bytes(range(16))
"""The sensor that seals its frames, and its key."""
STATES = (State.VACANT, State.OCCUPIED)
sensors = st.sampled_from(SENSORS)
waits = st.sampled_from([0, 1, 7, 60, 899, 900, 4000, 40_000])


class Sensor:
    """One bay's sensor as its firmware would be."""

    def __init__(self, site: int, bay: int) -> None:
        self.site = site
        self.name = f"sensor-{site}-{bay}"
        self.boot = self.seq = 0
        self.since = self.previous_s = 0
        self.state = State.VACANT
        self.restart(0)

    def restart(self, now: int) -> None:
        """Lose the counter."""
        self.boot, self.seq, self.since, self.previous_s = self.boot + 1, 0, now, 0

    def change(self, now: int) -> None:
        """A car comes or goes."""
        self.state = STATES[self.state is State.VACANT]
        self.seq, self.previous_s, self.since = self.seq + 1, now - self.since, now

    def frame(self, kind: FrameType, now: int) -> StateFrame:
        """What it sends."""
        known = self.previous_s if self.seq else None
        return StateFrame(
            type=kind,
            state=self.state,
            boot=self.boot,
            seq=self.seq,
            age_s=now - self.since,
            previous_s=known,
        )


def plate_of(vehicle: int) -> str:
    """A plate that is like no other vehicle's."""
    return (
        hashlib.sha256(str(vehicle).encode())
        .hexdigest()[:8]
        .translate(str.maketrans("0123456789", "ghjklmnpqr"))
    )


class History(RuleBasedStateMachine):
    """What happens in a town, and to its messages."""

    url: str

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.now = 0
        self.sensors = {key: Sensor(*key) for key in SENSORS}
        self.waiting: list[Message] = []
        self.delivered: list[Message] = []
        self.writers: list[Writer | None] = [None, None]
        self.packet_id = self.frame_counter = self.vehicles = 0
        self.counter = 0
        self.nonsense: Counter[str] = Counter()
        self.vandalism: set[int] = set()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Do this now."""
        return self.runner.run(work)

    @initialize()
    def empty(self) -> None:
        """Begin with an empty database."""
        self.run(reset(self.url))

    def send(self, topic: str, payload: bytes) -> None:
        """Hand a message to the broker, which gives it to an ingestor some day."""
        self.packet_id += 1
        at = microseconds(START + timedelta(seconds=self.now))
        self.waiting.append(Message(topic, payload, at, False, 1, self.packet_id))

    @rule(wait_s=waits)
    def time_passes(self, wait_s: int) -> None:
        """Nothing happens."""
        self.now += wait_s

    @rule(which=sensors, lost=st.booleans())
    def a_car_comes_or_goes(self, which: tuple[int, int], lost: bool) -> None:
        """Its message may never reach the broker."""
        self.sensors[which].change(self.now)
        if not lost:
            self.tell(which, FrameType.EVENT)

    @rule(which=sensors)
    def a_sensor_repeats_itself(self, which: tuple[int, int]) -> None:
        """A heartbeat tells the state and its age."""
        self.tell(which, FrameType.HEARTBEAT)

    @rule(which=sensors)
    def a_sensor_restarts(self, which: tuple[int, int]) -> None:
        """It counts from 0 again."""
        self.sensors[which].restart(self.now)
        self.tell(which, FrameType.BOOT)

    def tell(self, which: tuple[int, int], kind: FrameType) -> None:
        """Send a frame; one of the sensors seals it."""
        sensor = self.sensors[which]
        topic = f"parking/v1/street-{sensor.site}/bay/{sensor.name}/up"
        frame = codec.encode(sensor.frame(kind, self.now))
        if sensor.name == SEALER:
            self.counter += 1
            frame = sealed(frame, self.counter, secret=SECRET, device=sensor.name)
        self.send(topic, frame)

    @rule(data=st.data())
    def somebody_forges_a_frame(self, data: st.DataObject) -> None:
        """Plain, or with a MAC that is not right."""
        frame = codec.encode(self.sensors[1, 0].frame(FrameType.EVENT, self.now))
        forged = data.draw(st.booleans())
        if forged:
            frame = sealed(frame, self.counter + 1, secret=bytes(16), device=SEALER)
        self.nonsense["forged" if forged else "not_sealed"] += 1
        self.send(f"parking/v1/street-1/bay/{SEALER}/up", frame)
        self.vandalism.add(self.packet_id)

    @rule(held_s=st.sampled_from([0, 2, 300]))
    def a_gateway_sends_what_it_held(self, held_s: int) -> None:
        """All sensors of the first street at once, as it heard them a while ago."""
        then = self.now - held_s
        entries = tuple(
            BundleEntry(sensor.name, held_s, sensor.frame(FrameType.HEARTBEAT, max(then, sensor.since)))
            for sensor in self.sensors.values()
            if sensor.site == 0
        )
        self.send("parking/v1/street-0/gateway/g/up", codec.encode_bundle(Bundle(entries)))

    @rule(occupied=st.booleans())
    def a_network_server_sends_an_uplink(self, occupied: bool) -> None:
        """By LoRaWAN."""
        self.frame_counter += 1
        uplink = {
            "deviceInfo": {"devEui": POD},
            "devAddr": "00189440",
            "fCnt": self.frame_counter,
            "fPort": 2,
            "time": (START + timedelta(seconds=self.now)).isoformat(),
            "data": base64.b64encode(bytes([0x15, 0x66, occupied])).decode(),
        }
        self.send(f"application/1/device/{POD}/event/up", json.dumps(uplink).encode())

    @rule(camera=st.sampled_from(["cm-in", "cm-out"]), times=st.integers(1, 3))
    def a_camera_reads_a_plate(self, camera: str, times: int) -> None:
        """Once, or better and better. No two are alike: memory joins those, and a restart ends it."""
        self.vehicles += 1
        plate = plate_of(self.vehicles)
        for turn in range(times):
            read = {
                "type": "lpr",
                "id": f"{1_000_000 + self.vehicles}.5-abc",
                "camera": camera,
                "plate": plate,
                "score": 0.5 + turn / 10,
                "timestamp": (START + timedelta(seconds=self.now + turn)).timestamp(),
            }
            self.send(f"parking/v1/castle-mews/anpr/{camera}/read", json.dumps(read).encode())

    @rule(payload=st.binary(max_size=4))
    def somebody_sends_nonsense(self, payload: bytes) -> None:
        """It is recorded once."""
        self.nonsense["unknown_topic"] += 1
        self.send("parking/v1/nonsense", payload)
        self.vandalism.add(self.packet_id)

    @rule(data=st.data(), ingestor=st.integers(0, 1), dies=st.booleans(), ahead=st.booleans())
    def an_ingestor_takes_a_batch(self, data: st.DataObject, ingestor: int, dies: bool, ahead: bool) -> None:
        """Any of what waits, in any order; what it does not acknowledge before it dies comes again."""
        if not self.waiting:
            return
        order = data.draw(st.permutations(range(len(self.waiting))))
        chosen = order[: data.draw(st.integers(1, len(order)))]
        batch = [self.waiting[index] for index in chosen]
        self.run(self.store(ingestor, batch, ahead=ahead))
        if dies:
            self.run(self.end(ingestor))
            self.now += 5
            late = microseconds(START + timedelta(seconds=self.now))
            for index in chosen:
                self.waiting[index] = self.waiting[index]._replace(received_us=late, again=True)
        else:
            self.waiting = [m for index, m in enumerate(self.waiting) if index not in set(chosen)]

    @rule(data=st.data(), ingestor=st.integers(0, 1))
    def a_message_comes_twice(self, data: st.DataObject, ingestor: int) -> None:
        """Whatever the broker thinks."""
        sound = [message for message in self.delivered if message.mid not in self.vandalism]
        if sound:
            again = data.draw(st.sampled_from(sound))
            late = microseconds(START + timedelta(seconds=self.now))
            self.run(self.store(ingestor, [again._replace(received_us=late, again=True)], ahead=False))

    @rule(ingestor=st.integers(0, 1))
    def an_ingestor_restarts(self, ingestor: int) -> None:
        """It knows nothing by heart any more."""
        self.run(self.end(ingestor))

    async def store(self, ingestor: int, messages: list[Message], *, ahead: bool) -> None:
        """As the ingestor does it; `ahead`: decoded before the transaction before has ended."""
        writer = self.writers[ingestor]
        if writer is None:
            writer = self.writers[ingestor] = writing_to(
                self.url, split_events=1, verifier=Verifier({SEALER: {1: SECRET}})
            )
        admitted = None
        if ahead:
            admission = await writer.learn()
            admitted = Admitted(admission.batch(messages), admission)
        await writer.write(messages, lambda _: None, admitted)
        self.delivered += messages

    async def end(self, ingestor: int) -> None:
        """It is gone, and what it knew by heart."""
        writer = self.writers[ingestor]
        if writer is not None:
            await writer.__aexit__()
        self.writers[ingestor] = None

    def teardown(self) -> None:
        """What is still waiting comes; then compare."""
        try:
            if self.waiting:
                self.run(self.store(0, self.waiting, ahead=False))
            for ingestor in range(len(self.writers)):
                self.run(self.end(ingestor))
            if self.delivered:
                found, rejected = self.run(read(self.url))
                self.run(reset(self.url))
                self.run(self.store(0, sorted(self.delivered, key=lambda m: m.received_us), ahead=False))
                self.run(self.end(0))
                expected, _ = self.run(read(self.url))
                assert found == expected
                assert rejected == self.nonsense
        finally:
            self.runner.close()


async def reset(database_url: str) -> None:
    """Forget everything but the registry."""
    async with connect(database_url, name="test", autocommit=True) as connection:
        await connection.execute(RESET)


async def read(database_url: str) -> tuple[Stored, Counter[str]]:
    """What is stored, and how many messages were rejected for each reason."""
    async with connect(database_url, name="test", autocommit=True) as connection:
        cursor = await connection.execute("SELECT code FROM rejected_message")
        return await read_back(connection), Counter(code for (code,) in await cursor.fetchall())


async def prepare(database_url: str) -> None:
    """A town of two streets, a car park and a bay with a LoRaWAN sensor."""
    pod = {"id": "pod", "sensor": {"id": POD, "codec": "pni-placepod"}}
    lane = {"id": "lane", "name": "Lane", "kind": "on_street", "counting": "bays", "bays": [pod]}
    await load(database_url, small_registry(sites=2, heartbeat_s=86_400))
    await load(database_url, parse_registry({"sites": [lane]}, source="test"))


@pytest.mark.timeout(900)  # it takes ten seconds; a counterexample takes longer to be made short
def test_any_history_ends_in_the_same_rows(each_database_url: str) -> None:
    with asyncio.Runner() as runner:
        runner.run(prepare(each_database_url))

    class Here(History):
        url = each_database_url

    run_state_machine_as_test(
        Here,
        settings=settings(
            max_examples=40,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow],
        ),
    )
