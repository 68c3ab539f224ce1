"""Simulated sensors of ours and commands: obeyed once, answered always, and still true to the SPEC."""

from datetime import datetime

import pytest

from firmware_protocol import topics
from firmware_protocol.codec import decode, decode_bundle, is_bundle
from firmware_protocol.commands import Command, Operation, encode_command
from firmware_protocol.conformance.judge import Judge
from firmware_protocol.conformance.notes import Heard
from firmware_protocol.frames import (
    AckFrame,
    Frame,
    FrameError,
    FrameType,
    HealthFrame,
    Outcome,
    ResetCause,
    StateFrame,
    Tlv,
    telemetry,
)
from sensors_sim.city import Radio, build_city
from sensors_sim.faults import Faults
from sensors_sim.outgoing import Outgoing
from sensors_sim.speech import Clock
from sensors_sim.stream import Stream
from tests.unit.sensors_sim.conftest import EPOCH, Notes

RADIOS = [Radio.DIRECT, Radio.GATEWAY]


class Street:
    """A small city that is lived through, with commands in between; keeps everything that was sent."""

    def __init__(self, radio: Radio, *, faults: Faults | None = None) -> None:
        self.city = build_city(seed=3, bays=60, sites=3, heartbeat_s=30.0)
        clock = Clock(epoch=EPOCH, start=datetime(2025, 3, 5, 9, 0), speed=60.0)
        self.stream = Stream(self.city, clock, boot=255, faults=faults or Faults(), journal=Notes())
        self.bay = self.city.radio.tolist().index(radio)
        self.device = self.city.device_ids[self.bay]
        self.site = self.city.sites[self.city.site_of[self.bay]].id
        self.sent: list[tuple[float, str, bytes]] = []
        self.now = 0.0

    def live(self, until: float) -> None:
        while self.now < until:
            self.now = min(until, max(self.now, self.stream.next_due()))
            while messages := self.stream.take(self.now):
                self._keep(messages)

    def command(
        self, operation: int, *, number: int, tlvs: tuple[Tlv, ...] = (), site: str = ""
    ) -> list[Frame]:
        """Send a command; gives what comes at once."""
        topic = topics.bay_down(site or self.site, self.device)
        payload = encode_command(Command(id=number, operation=operation, tlvs=tlvs))
        self.sent.append((self.now, topic, payload))
        before = len(self.frames())
        self._keep(self.stream.obey(topic, payload, self.now))
        return self.frames()[before:]

    def frames(self) -> list[Frame]:
        """All frames of the device so far."""
        found: list[Frame] = []
        for _, topic, payload in self.sent:
            if is_bundle(payload):
                entries = [entry for entry in decode_bundle(payload).entries if entry.device == self.device]
                found += [entry.frame for entry in entries if not isinstance(entry.frame, FrameError)]
            elif topic == topics.bay_up(self.site, self.device):
                found.append(decode(payload))
        return found

    def states(self) -> list[StateFrame]:
        return [frame for frame in self.frames() if isinstance(frame, StateFrame)]

    def violations(self) -> dict[str, list[str]]:
        judge = Judge()
        for number, (at, topic, payload) in enumerate(self.sent, 1):
            judge.take(Heard(number=number, payload=payload, topic=topic, at=EPOCH + at))
        return {
            j.clause.name: [f.says for f in j.findings] for j in judge.finish() if j.verdict == "violated"
        }

    def _keep(self, messages: list[Outgoing]) -> None:
        ours = [message for message in messages if message.topic.startswith("parking/")]
        self.sent += [
            (self.now, message.topic, message.render(self.now))
            for message in ours
            if "/anpr/" not in message.topic
        ]


@pytest.fixture(params=RADIOS, ids=["direct", "by a gateway"])
def street(request: pytest.FixtureRequest) -> Street:
    made = Street(request.param)
    made.live(60)
    return made


def test_every_command_is_answered_and_the_city_still_conforms(street: Street) -> None:
    configure = telemetry(heartbeat_s=12)
    (ack,) = street.command(Operation.CONFIGURE, number=1, tlvs=configure)
    assert isinstance(ack, AckFrame)
    assert (ack.outcome, ack.heartbeat_s, ack.debounce_ms) == (Outcome.DONE, 12, 2000)
    street.live(200)
    health, ack = street.command(Operation.STATUS, number=2)
    assert isinstance(health, HealthFrame)
    assert isinstance(ack, AckFrame)
    street.command(Operation.RECALIBRATE, number=3)
    street.command(Operation.TIME, number=4, tlvs=telemetry(time_s=1))
    street.command(Operation.REBOOT, number=5)
    street.live(500)
    assert street.violations() == {}


def test_a_reboot_begins_a_new_life_once(street: Street) -> None:
    street.live(300)
    before = street.states()[-1]
    for _ in range(2):
        (ack,) = street.command(Operation.REBOOT, number=9)
        assert ack == AckFrame(boot=before.boot, command=9, outcome=Outcome.DONE)
    street.live(900)
    after = [frame for frame in street.states() if frame.boot != before.boot]
    assert {frame.boot for frame in after} == {(before.boot + 1) % 256}
    assert (after[0].type, after[0].seq, after[0].reset_cause) == (FrameType.BOOT, 0, ResetCause.SOFTWARE)
    assert [frame.seq for frame in after] == sorted(frame.seq for frame in after)
    assert street.violations() == {}


def test_the_configured_heartbeat_holds_and_is_told_at_the_next_start(street: Street) -> None:
    street.command(Operation.CONFIGURE, number=1, tlvs=telemetry(heartbeat_s=100))
    begun = len(street.states())
    street.live(660)
    beats = [frame for frame in street.states()[begun:] if frame.type == FrameType.HEARTBEAT]
    assert 5 <= len(beats) <= 7
    street.command(Operation.REBOOT, number=2)
    street.live(670)
    assert next(f for f in street.states() if f.reset_cause == ResetCause.SOFTWARE).heartbeat_s == 100


@pytest.mark.parametrize(
    ("operation", "tlvs", "outcome"),
    [
        (Operation.CONFIGURE, telemetry(debounce_ms=3000), Outcome.UNSUPPORTED),
        (Operation.CONFIGURE, telemetry(heartbeat_s=1), Outcome.INVALID),
        (77, (), Outcome.UNSUPPORTED),
    ],
)
def test_what_it_cannot_do_is_refused(operation: int, tlvs: tuple[Tlv, ...], outcome: Outcome) -> None:
    street = Street(Radio.DIRECT)
    street.live(60)
    (ack,) = street.command(operation, number=1, tlvs=tlvs)
    assert isinstance(ack, AckFrame)
    assert ack.outcome == outcome


def test_nobody_answers_for_another_site_a_dead_sensor_or_one_that_has_not_started() -> None:
    street = Street(Radio.DIRECT, faults=Faults(silent=1.0))
    assert street.command(Operation.STATUS, number=1) == []
    street.live(30)
    other = next(site.id for site in street.city.sites if site.id != street.site)
    assert street.command(Operation.STATUS, number=1, site=other) == []
    street.live(4000)
    assert street.command(Operation.STATUS, number=1) == []


def test_what_is_no_command_changes_nothing(street: Street) -> None:
    down = topics.bay_down(street.site, street.device)
    for topic, payload in ((down, b""), (down, b"\x18"), (down, b"{}"), ("x", b"\x18" * 7)):
        assert street.stream.obey(topic, payload, street.now) == []


def test_lorawan_sensors_have_their_own_ways() -> None:
    street = Street(Radio.TTS)
    street.live(60)
    assert street.command(Operation.REBOOT, number=1) == []


def test_sensors_that_were_told_nothing_say_what_they_always_said() -> None:
    told, untold = Street(Radio.DIRECT), Street(Radio.DIRECT)
    told.live(60)
    told.command(Operation.CONFIGURE, number=1, tlvs=telemetry(heartbeat_s=500))
    told.live(300)
    untold.live(300)
    mine = f"/{told.device}/"
    others = [[m for m in street.sent if mine not in m[1]] for street in (told, untold)]
    assert others[0] == others[1]
