"""What our sensors do when a command comes: SPEC section 11 for a simulated street.

Theory of operation. Reports are drawn block by block, long before they are due, and know nothing of commands.
So a report passes through `heed` when it is spoken: after a commanded restart it is numbered anew from there,
and once a command has set a device's heartbeat, the drawn heartbeats give way to `beat`.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from firmware_protocol import topics
from firmware_protocol.commands import Command, Operation, decode_command
from firmware_protocol.frames import AckFrame, Frame, FrameError, Outcome, telemetry
from sensors_sim.city import City, Radio
from sensors_sim.sensors import DEBOUNCE_S, HEARTBEAT_JITTER, Kind, Report
from sensors_sim.speech import Speech

RESTART_S = 1.0
"""A sensor takes so long from the answer to the start."""
DEBOUNCE_MS = int(DEBOUNCE_S * 1000)
_STREAM = 70


@dataclass(frozen=True, slots=True)
class Reaction:
    """What one sensor says to a command, and what it does: a restart, or heartbeats of another interval."""

    bay: int
    frames: tuple[Frame, ...]
    restarts: bool = False
    beats: bool = False


@dataclass(frozen=True, slots=True)
class _Restarted:
    """Commanded restarts of a bay's sensor: how many, when the latest was, and what is counted from there."""

    count: int
    at: float
    session: int
    seq: int


class Obedience:
    """All our sensors of a city. LoRaWAN sensors have their own ways."""

    def __init__(self, city: City, speech: Speech) -> None:
        self._speech = speech
        self._sites = [site.id for site in city.sites]
        self._site_of = city.site_of
        self._bays: Mapping[str, int] = {
            device: bay for bay, device in enumerate(city.device_ids) if city.radio[bay] < Radio.TTS
        }
        self._drawn: dict[int, Report] = {}
        self._spoken: dict[int, Report] = {}
        self._restarted: dict[int, _Restarted] = {}
        self._answers: dict[int, tuple[int, Outcome]] = {}
        self._rng = np.random.default_rng([city.seed, _STREAM])

    def heed(self, report: Report) -> Report | None:
        """A drawn report as the sensor says it; None for a heartbeat whose interval has been changed."""
        if report.kind == Kind.HEARTBEAT and report.bay in self._speech.heartbeats:
            return None
        self._drawn[report.bay] = report
        return self._say(self._after_restart(report))

    def obey(self, topic: str, payload: bytes) -> Reaction | None:
        """What the sensor that listens to this topic does; None if there is none, or it is no command."""
        where = topics.parse(topic)
        bay = self._bays.get(where.name) if where and where.leaf == "down" else None
        # A sensor that has not started yet, or is another site's, hears nothing.
        if where is None or bay not in self._spoken or where.site != self._sites[self._site_of[bay]]:
            return None
        heeded = self._speech.sealer.command(where.name, payload)
        if heeded is None:
            return None
        try:
            command = decode_command(heeded)
        except FrameError:
            return None
        known, outcome = self._answers.get(bay, (0, Outcome.DONE))
        if command.id != 0 and command.id == known:
            return Reaction(bay, (self._ack(bay, command, outcome),))
        outcome = command.check()
        if outcome == Outcome.DONE and command.debounce_ms not in (None, DEBOUNCE_MS):
            outcome = Outcome.UNSUPPORTED  # how long a change must hold is built into this city
        self._answers[bay] = command.id, outcome
        if outcome != Outcome.DONE:
            return Reaction(bay, (self._ack(bay, command, outcome),))
        return self._carry_out(bay, command)

    def restart(self, bay: int, at: float) -> Report:
        """The sensor starts anew: its boot report."""
        drawn, before = self._drawn[bay], self._restarted.get(bay)
        count = 1 + (before.count if before else 0)
        self._restarted[bay] = _Restarted(count, at, drawn.session, drawn.seq)
        said = self._spoken[bay]
        session = said.session + 1
        self._speech.rebooted.add((bay, session))
        return self._say(
            said._replace(
                kind=Kind.BOOT, since=at, previous=math.nan, decided=at, due=at, session=session, seq=0
            )
        )

    def beat(self, bay: int, at: float) -> Report:
        """A heartbeat of the interval that was commanded."""
        return self._say(self._spoken[bay]._replace(kind=Kind.HEARTBEAT, decided=at, due=at))

    def next_beat(self, bay: int, at: float) -> float:
        """When the heartbeat after `at` is due."""
        return at + self._speech.heartbeats[bay] * self._rng.uniform(
            1 - HEARTBEAT_JITTER, 1 + HEARTBEAT_JITTER
        )

    def _say(self, report: Report) -> Report:
        self._spoken[report.bay] = report
        return report

    def _after_restart(self, report: Report) -> Report:
        restarted = self._restarted.get(report.bay)
        if restarted is None:
            return report
        report = report._replace(session=report.session + restarted.count)
        if report.session != restarted.session + restarted.count:
            return report  # it has started by itself since, which numbers anew
        previous = math.nan
        if report.since >= restarted.at and not math.isnan(report.previous):
            previous = min(report.previous, report.since - restarted.at)
        since = max(report.since, restarted.at)
        return report._replace(since=since, previous=previous, seq=report.seq - restarted.seq)

    def _carry_out(self, bay: int, command: Command) -> Reaction:
        ack = self._ack(bay, command, Outcome.DONE)
        match command.operation:
            case Operation.CONFIGURE:
                if command.heartbeat_s is not None:
                    self._speech.heartbeats[bay] = command.heartbeat_s
                values = telemetry(heartbeat_s=self._speech.heartbeat_s(bay), debounce_ms=DEBOUNCE_MS)
                ack = AckFrame(boot=ack.boot, command=ack.command, outcome=ack.outcome, tlvs=values)
                return Reaction(bay, (ack,), beats=command.heartbeat_s is not None)
            case Operation.STATUS:
                return Reaction(bay, (self._speech.health(self._spoken[bay]), ack))
            case Operation.REBOOT:
                return Reaction(bay, (ack,), restarts=True)
        return Reaction(bay, (ack,))

    def _ack(self, bay: int, command: Command, outcome: Outcome) -> AckFrame:
        boot = self._speech.boot_of(self._spoken[bay])
        return AckFrame(boot=boot, command=command.id, outcome=outcome)
