"""A run of the city in real time: the stream on the wall clock, the publisher, the ledger, the progress."""

import asyncio
import time
from collections import deque
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import structlog

from parking.device_keys import load_device_keys
from parking.errors import SettingsError
from parking.settings import Settings
from sensors_sim.city import City, build_city
from sensors_sim.ledger import End, LedgerFile, Message, NoLedger, Start, utc
from sensors_sim.options import Options
from sensors_sim.outgoing import Outgoing
from sensors_sim.progress import Progress
from sensors_sim.publisher import Publisher, Receipt
from sensors_sim.sealing import NO_SEALS, Sealer
from sensors_sim.speech import Clock
from sensors_sim.stream import Stream
from sensors_sim.tally import Tally

log = structlog.get_logger()

CONNECT_S = 30.0
"""How long the broker may take to let us in at the start."""
FINISH_S = 10.0
"""How long the broker may take for the last acknowledgements."""
PAUSE_S = 0.2
"""Longest sleep, so that a stop is noticed."""
FLUSH_S = 0.5
SPREAD_BAYS_PER_S = 1000
LEAST_SPREAD_S = 3.0
COMMANDS = 1000
"""Commands that wait for their sensors; of more the oldest are lost, as a slow device would lose them."""
TOWN_ZONE = ZoneInfo("Europe/London")


def city_of(options: Options) -> City:
    """The city that these options describe."""
    return build_city(
        seed=options.seed, bays=options.bays, sites=options.sites, heartbeat_s=options.heartbeat_s
    )


def _open_ledger(path: Path | None) -> LedgerFile | NoLedger:
    if path is None:
        return NoLedger()
    try:
        return LedgerFile(path)
    except OSError as error:
        raise SettingsError(f"the ledger {path} cannot be written: {error.strerror}") from error


class Run:
    """One run, from the first boot frame to the ledger's last line."""

    def __init__(self, options: Options, settings: Settings) -> None:
        self._options = options
        self._settings = settings
        self._city = city_of(options)
        self._ledger = _open_ledger(options.ledger)
        path = settings.device_key_file
        self._sealer = Sealer(load_device_keys(path)) if path else NO_SEALS
        self._commands: deque[tuple[str, bytes]] = deque(maxlen=COMMANDS)

    async def __call__(self, stopped: asyncio.Event) -> None:
        """Run until `stopped` is set or the time is over."""
        try:
            await self._run(stopped)
        finally:
            self._ledger.close()

    async def _run(self, stopped: asyncio.Event) -> None:
        # The start is set when the broker has let us in; until then nothing asks for the time.
        self._begun = time.monotonic()
        async with Publisher(
            self._settings,
            connections=self._options.connections,
            acknowledged=self._acknowledge,
            now=self._now,
            heard=self._hear,
        ) as publisher:
            await publisher.connect(CONNECT_S)
            self._begin()
            async with asyncio.TaskGroup() as group:
                beside = group.create_task(self._report(), name="progress")
                reason = await self._live(publisher, stopped)
                await self._tell_the_rest(publisher)
                beside.cancel()
            unsent = await publisher.finish(FINISH_S)
        self._end(reason, unsent)

    def _begin(self) -> None:
        epoch = time.time()
        self._begun = time.monotonic()
        start = self._options.town_start(datetime.fromtimestamp(epoch, TOWN_ZONE))
        self._clock = Clock(epoch=epoch, start=start, speed=self._options.speed)
        boot = self._options.boot
        # Runs that follow each other within minutes must differ, and a reboot adds one.
        boot = int(epoch / 4) % 256 if boot is None else boot
        self._stream = Stream(
            self._city,
            self._clock,
            boot=boot,
            faults=self._options.faults,
            journal=self._ledger,
            spread_s=max(LEAST_SPREAD_S, self._city.bays / SPREAD_BAYS_PER_S),
            sealer=self._sealer,
        )
        self._tally = Tally(self._city, self._stream.initial)
        self._ledger.write(
            Start(
                at=utc(epoch),
                seed=self._options.seed,
                boot=boot,
                bays=self._city.bays,
                inside=self._tally.inside,
                options=self._options.document(),
            )
        )
        log.info(
            "the city lives",
            bays=self._city.bays,
            sites=len(self._city.sites),
            speed=self._options.speed,
            town_time=start.isoformat(timespec="minutes"),
        )

    async def _live(self, publisher: Publisher, stopped: asyncio.Event) -> str:
        """Publish what is due until the end; gives its reason."""
        horizon = self._options.horizon_s
        while not stopped.is_set():
            now = self._now()
            if horizon is not None and now >= horizon:
                return "duration"
            await self._send_due(publisher, now if horizon is None else min(now, horizon))
        return "signal"

    async def _tell_the_rest(self, publisher: Publisher) -> None:
        now, horizon = self._now(), self._options.horizon_s
        self._stream.stop(now if horizon is None else min(now, horizon))
        while not self._stream.done:
            await self._send_due(publisher, self._now())

    def _hear(self, topic: str, payload: bytes) -> None:
        self._commands.append((topic, payload))

    async def _send_due(self, publisher: Publisher, now: float) -> None:
        """Send what is due and what commands ask for, or sleep a little if nothing is."""
        messages = self._stream.take(now)
        while self._commands:
            messages += self._stream.obey(*self._commands.popleft(), now)
        for message in messages:
            await publisher.send(message)
        if not messages:
            await asyncio.sleep(min(PAUSE_S, max(0.001, self._stream.next_due() - self._now())))

    def _acknowledge(self, receipt: Receipt) -> None:
        message = receipt.message
        self._tally.add(message)
        self._ledger.write(
            Message(
                at=utc(self._clock.unix(self._now())),
                number=message.number,
                copy=message.copy,
                topic=message.topic,
                sha256=receipt.sha256,
                size=receipt.size,
                events=message.events,
                read=message.read.event_id if message.read else None,
                faults=message.faults,
            )
        )

    async def _report(self) -> None:
        with Progress(self._city.bays) as progress:
            while True:
                await asyncio.sleep(FLUSH_S)
                self._ledger.flush()
                now = self._now()
                progress.show(
                    sent=self._tally.acknowledged,
                    occupied=self._tally.occupied,
                    elapsed_s=now,
                    town=self._clock.city(now),
                )

    def _end(self, reason: str, unsent: list[Outgoing]) -> None:
        at = utc(self._clock.unix(self._now()))
        for message in unsent:
            self._ledger.write(message.lost_record(at, unsent=True))
        stream = self._stream
        self._ledger.write(
            self._tally.final(at, truth=stream.truth(), passed=stream.passed, silent=stream.silent())
        )
        self._ledger.write(
            End(
                at=at,
                reason=reason,
                acknowledged=self._tally.acknowledged,
                lost=stream.lost,
                unsent=len(unsent),
            )
        )
        log.info("the city stands still", messages=self._tally.acknowledged, unsent=len(unsent), why=reason)

    def _now(self) -> float:
        return time.monotonic() - self._begun
