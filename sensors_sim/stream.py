"""The stream of messages of a living city, in the order of their time; no I/O, so any clock can drive it.

Theory of operation. Demand, sensors and gates are drawn block by block. What they give becomes items in one
heap, by the time when each is due. Taking an item may put others into the heap: a passage's five messages, a
gateway's bundle, a copy that is held up on the way. Everything random follows the order of the heap, so the
same seed gives the same messages however the clock runs; only wall times differ.
"""

import heapq
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from firmware_protocol.frames import Frame
from sensors_sim import frigate
from sensors_sim.city import City
from sensors_sim.demand import Changes, Demand
from sensors_sim.faults import Faults, draw_sensor_faults
from sensors_sim.gates import DOUBLE_AFTER_S, Gates, Passage
from sensors_sim.gateways import BUNDLE_S, Gateways
from sensors_sim.ledger import Fault, Gate, Journal, Truth, utc
from sensors_sim.obedience import RESTART_S, Obedience
from sensors_sim.outgoing import Body, Outgoing, Read, Told
from sensors_sim.plates import plate_of
from sensors_sim.sealing import NO_SEALS, Sealer
from sensors_sim.sensors import DEBOUNCE_S, GAP_S, Kind, Report, Sensors
from sensors_sim.speech import Clock, Speech, state_name
from sensors_sim.way import Way

LATE_LIMIT = 20_000
"""Messages held up at once; where there would be more, further ones are on time."""
END_S = 3.0
"""After the end the sensors get so long to tell what had happened before; then everything is delivered."""


@dataclass(frozen=True, slots=True)
class _Flush:
    """A gateway's bundle is due."""

    gateway: int
    bundle: int


@dataclass(frozen=True, slots=True)
class _Delivery:
    """A message that was held up on the way."""

    message: Outgoing


@dataclass(frozen=True, slots=True)
class _Sighting:
    """One message of a camera about a passage."""

    passage: Passage
    camera: str
    event_id: str
    what: frigate.Sighting


@dataclass(frozen=True, slots=True)
class _Note:
    """Something for the ledger alone."""

    write: Callable[[], None]


@dataclass(frozen=True, slots=True)
class _Restart:
    """A sensor starts anew because it was told to."""

    bay: int


@dataclass(frozen=True, slots=True)
class _Beat:
    """A heartbeat of an interval that was commanded, by the command's number."""

    bay: int
    command: int


_Item = Report | Passage | _Flush | _Delivery | _Sighting | _Note | _Restart | _Beat


class Stream:
    """A city that lives. All times are wall seconds from the start, on `clock`."""

    def __init__(
        self,
        city: City,
        clock: Clock,
        *,
        boot: int,
        faults: Faults,
        journal: Journal,
        spread_s: float = 3.0,
        sealer: Sealer = NO_SEALS,
    ) -> None:
        self._city = city
        self._clock = clock
        self._journal = journal
        settle_s = spread_s + DEBOUNCE_S + 1
        self._demand = Demand(city, clock.start, gap_s=GAP_S * clock.speed, settle_s=settle_s * clock.speed)
        self._broken = draw_sensor_faults(faults, seed=city.seed, bays=city.bays, after_s=settle_s)
        self.initial = self._demand.occupied.copy()
        """Which spaces are taken at the start."""
        self.passed = np.zeros((len(city.sites), 2), dtype=np.int64)
        """Vehicles that left and that entered each site so far."""
        self._speech = Speech(city, clock, boot=boot, sealer=sealer)
        self._sensors = Sensors(
            city, self.initial[: city.bays], faults=faults, broken=self._broken, spread_s=spread_s
        )
        self._gates = Gates(city, self.initial, faults=faults)
        self._obedience = Obedience(city, self._speech)
        self._commands: dict[int, int] = {}
        self._gateways = Gateways()
        self._way = Way(faults, seed=city.seed)
        self._truth = self.initial.copy()
        self._recent: deque[tuple[float, Changes]] = deque()
        self._heap: list[tuple[float, int, float, _Item]] = []
        self._items = self._messages = self._held_up = 0
        self.lost = 0
        """Messages that were lost on the way."""
        self._stop: float | None = None
        self._note_faults()

    @property
    def loaded(self) -> float:
        """Wall seconds up to which the city's life has been drawn."""
        return self._demand.until / self._clock.speed

    @property
    def done(self) -> bool:
        """Whether the city was stopped and everything that it owed was taken."""
        return self._stop is not None and not self._heap

    def next_due(self) -> float:
        """When there will be something to take, or to draw."""
        due = self._heap[0][0] if self._heap else np.inf
        return due if self._stop is not None else min(due, self.loaded)

    def take(self, now: float, *, limit: int = 1000) -> list[Outgoing]:
        """The messages that are due at `now`, about `limit` at most."""
        taken: list[Outgoing] = []
        while len(taken) < limit:
            if self._stop is None and self.loaded <= now:
                self._load()
            elif self._heap and self._heap[0][0] <= now:
                _, _, _, item = heapq.heappop(self._heap)
                taken += self._handle(item, now)
            else:
                break
        return taken

    def obey(self, topic: str, payload: bytes, now: float) -> list[Outgoing]:
        """What a sensor of ours answers to a command; nothing if it is dead, or it is none of ours."""
        reaction = self._obedience.obey(topic, payload) if self._stop is None else None
        if reaction is None or self._broken.silent[reaction.bay] <= now:
            return []
        bay = reaction.bay
        if reaction.restarts:
            at = self._undecided_until(bay, now + RESTART_S)
            self._push(at, _Restart(bay), cause=at)
        if reaction.beats:
            self._commands[bay] = self._commands.get(bay, 0) + 1
            self._beat_after(bay, now)
        return [message for frame in reaction.frames for message in self._answer(bay, frame, now)]

    def stop(self, at: float) -> None:
        """Nothing happens in the city after `at`; what happened before is still told, within `END_S`."""
        while self.loaded < at + END_S:
            self._load()
        self._stop = at
        kept = [entry for entry in self._heap if entry[2] <= at]
        self._heap = [(min(due, at + END_S), number, cause, item) for due, number, cause, item in kept]
        heapq.heapify(self._heap)
        self._settle_truth(at)

    def truth(self) -> NDArray[np.bool_]:
        """Which spaces were taken at the stop."""
        return self._truth

    def silent(self) -> list[int]:
        """Bays whose sensor had died by the stop."""
        died: list[int] = np.flatnonzero(self._broken.silent <= (self._stop or 0.0)).tolist()
        return died

    def _load(self) -> None:
        speed, begin = self._clock.speed, self.loaded
        drawn = self._demand.block()
        changes = Changes(drawn.space, drawn.at / speed, drawn.occupied)
        # A stop may still come for the time before `begin`, but no farther back than this.
        self._settle_truth(begin - 2 * END_S)
        self._recent.append((self.loaded, changes))
        watched = changes.space < self._city.bays
        at_bays = changes.where(watched)
        for report in self._sensors.block(at_bays, begin=begin, end=self.loaded):
            self._push(report.due, report, cause=_cause(report))
        for passage in self._gates.block(changes.where(~watched)):
            self._push(passage.at, passage, cause=passage.at)
        self._note_truth(at_bays.where(self._broken.unfaithful[at_bays.space]))

    def _settle_truth(self, until: float) -> None:
        """Apply the changes up to `until` to the truth; keep blocks that go on after it, until the stop."""
        while self._recent and (self._stop is not None or self._recent[0][0] <= until):
            _, changes = self._recent.popleft()
            past = changes.where(changes.at <= until)
            self._truth[past.space] = past.occupied

    def _push(self, due: float, item: _Item, *, cause: float = -np.inf) -> None:
        if self._stop is not None:
            due = min(due, self._stop + END_S)
        heapq.heappush(self._heap, (due, self._items, cause, item))
        self._items += 1

    def _handle(self, item: _Item, now: float) -> list[Outgoing]:
        match item:
            case Report():
                return self._heed(item, now)
            case Passage():
                self._pass(item)
            case _Sighting():
                return self._see(item, now)
            case _Flush():
                return self._bundle(item.gateway, item.bundle, now)
            case _Delivery():
                self._held_up -= 1
                return [item.message]
            case _Restart():
                return self._speak(self._obedience.restart(item.bay, now), now)
            case _Beat():
                return self._beat(item, now)
            case _Note():
                item.write()
        return []

    def _heed(self, report: Report, now: float) -> list[Outgoing]:
        """Speak a report as it was drawn, but for what commands have changed since."""
        if self._speech.is_lorawan(report):
            return self._speak(report, now)
        heeded = self._obedience.heed(report)
        return self._speak(heeded, now) if heeded is not None else []

    def _beat(self, beat: _Beat, now: float) -> list[Outgoing]:
        if beat.command != self._commands[beat.bay] or self._broken.silent[beat.bay] <= now:
            return []
        self._beat_after(beat.bay, now)
        return self._speak(self._obedience.beat(beat.bay, now), now)

    def _beat_after(self, bay: int, now: float) -> None:
        due = self._obedience.next_beat(bay, now)
        self._push(due, _Beat(bay, self._commands[bay]), cause=due)

    def _undecided_until(self, bay: int, at: float) -> float:
        """The first moment from `at` on at which no change of the bay is being decided or on its way."""
        for _, _, _, item in sorted(self._heap, key=lambda entry: entry[:2]):
            if isinstance(item, Report) and item.bay == bay and item.kind == Kind.CHANGE:
                at = max(at, item.due) if item.since <= at else at
        return at

    def _answer(self, bay: int, frame: Frame, now: float) -> list[Outgoing]:
        """A sensor's word that tells nothing of its bay, on the way on which it tells everything."""
        topic, body = self._speech.answer(bay, frame)
        self._messages += 1
        message = Outgoing(number=self._messages, topic=topic, sender=topic, body=body, expires=True)
        return self._deliver(message, now)

    def _speak(self, report: Report, now: float) -> list[Outgoing]:
        lorawan = self._speech.is_lorawan(report)
        if lorawan or report.kind != Kind.HEARTBEAT:
            self._journal.write(self._speech.event(report))
        gateway = int(self._city.gateway[report.bay])
        if gateway >= 0:
            bundle = self._gateways.collect(gateway, report, now=now)
            if bundle is not None:
                self._push(report.due + BUNDLE_S, _Flush(gateway, bundle))
            return self._bundle(gateway, None, now) if self._gateways.is_full(gateway) else []
        body: Body = partial(self._speech.frame_body, report)
        if lorawan:
            body = self._speech.uplink_body(report)
        return self._tell(self._speech.topic(report), body, [report], now=now, expires=not lorawan)

    def _bundle(self, gateway: int, bundle: int | None, now: float) -> list[Outgoing]:
        held = self._gateways.release(gateway, bundle)
        if not held:
            return []
        frames = [
            (self._city.device_ids[report.bay], at, self._speech.frame(report, at)) for at, report in held
        ]
        reports = [report for _, report in held]
        topic = self._speech.gateway_topic(gateway, reports[0])
        return self._tell(topic, partial(self._speech.bundle_body, frames), reports, now=now, expires=True)

    def _tell(
        self, topic: str, body: Body, reports: list[Report], *, now: float, expires: bool
    ) -> list[Outgoing]:
        """A message of sensors' reports."""
        self._messages += 1
        message = Outgoing(
            number=self._messages,
            topic=topic,
            sender=topic,
            body=body,
            events=tuple(map(self._speech.identity, reports)),
            told=tuple(Told(report.bay, report.decided, report.occupied) for report in reports),
            expires=expires,
        )
        return self._deliver(message, now)

    def _pass(self, passage: Passage) -> None:
        """A vehicle passes: the ledger has it, and what the camera says of it becomes due."""
        self.passed[passage.site, int(passage.entering)] += 1
        site = self._city.sites[passage.site]
        gate = site.gates[passage.gate]
        vehicles = [self._vehicle(passage, gate.camera, 0.0)]
        if passage.double:
            vehicles.append(self._vehicle(passage, gate.camera, DOUBLE_AFTER_S))
        self._journal.write(
            Gate(
                at=utc(self._clock.unix(passage.at + frigate.CROSSING_S)),
                site=site.id,
                camera=gate.camera,
                direction=gate.direction,
                event_id=vehicles[0].event_id,
                vehicle=passage.vehicle,
                faults=passage.faults,
            )
        )
        for vehicle in () if passage.missed else vehicles:
            for what in frigate.sightings(vehicle):
                due = vehicle.first_seen - self._clock.epoch + what.after_s
                self._push(due, _Sighting(passage, gate.camera, vehicle.event_id, what))

    def _vehicle(self, passage: Passage, camera: str, after_s: float) -> frigate.Vehicle:
        return frigate.Vehicle(
            camera=camera,
            first_seen=self._clock.unix(passage.at + after_s),
            plate=plate_of(self._city.seed, passage.vehicle),
            salt=passage.number * 2 + (after_s > 0),
            misread=passage.misread,
        )

    def _see(self, sighting: _Sighting, now: float) -> list[Outgoing]:
        """One message of a camera."""
        self._messages += 1
        what, passage = sighting.what, sighting.passage
        read = Read(passage.number, passage.site, passage.entering, sighting.event_id)
        message = Outgoing(
            number=self._messages,
            topic=what.topic,
            sender=sighting.camera,
            body=what.body,
            read=read if what.has_plate else None,
        )
        return self._deliver(message, now)

    def _deliver(self, message: Outgoing, now: float) -> list[Outgoing]:
        """What of a message arrives now; the rest is held up or lost."""
        copies = self._way.copies(message, now)
        if not copies:
            self.lost += 1
            self._journal.write(message.lost_record(utc(self._clock.unix(now))))
        arrived = []
        for wait, copy in copies:
            if wait == 0.0 or self._held_up >= LATE_LIMIT:
                arrived.append(copy)
            else:
                self._held_up += 1
                self._push(now + wait, _Delivery(copy))
        return arrived

    def _note_faults(self) -> None:
        for name in ("stuck", "flapping", "silent"):
            onset = getattr(self._broken, name)
            for bay in np.flatnonzero(np.isfinite(onset)).tolist():
                begins = float(onset[bay])
                record = Fault(
                    at=utc(self._clock.unix(begins)),
                    device=self._city.device_ids[bay],
                    bay=self._city.bay_ids[bay],
                    fault=name,
                )
                self._push(begins, _Note(partial(self._journal.write, record)), cause=begins)

    def _note_truth(self, changes: Changes) -> None:
        columns = (changes.space.tolist(), changes.at.tolist(), changes.occupied.tolist())
        for bay, at, occupied in zip(*columns, strict=True):
            record = Truth(
                at=utc(self._clock.unix(at)),
                site=self._city.sites[self._city.site_of[bay]].id,
                bay=self._city.bay_ids[bay],
                state=state_name(occupied),
            )
            self._push(at, _Note(partial(self._journal.write, record)), cause=at)


def _cause(report: Report) -> float:
    """When that happened of which the report tells: a change of the bay, or the sensor's own clock."""
    return report.since if report.kind == Kind.CHANGE else report.decided
