"""From what a sensor says to the bytes on the wire: our frames, bundles of them, and LoRaWAN uplinks."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from firmware_protocol import topics
from firmware_protocol.codec import encode, encode_bundle
from firmware_protocol.frames import (
    Bundle,
    BundleEntry,
    Frame,
    FrameError,
    FrameType,
    HealthFrame,
    ResetCause,
    State,
    StateFrame,
    telemetry,
)
from parking.identity import network_part, network_session
from sensors_sim import lorawan
from sensors_sim.city import City, Radio
from sensors_sim.ledger import Event, Identity, utc
from sensors_sim.sealing import NO_SEALS, Sealer
from sensors_sim.sensors import Kind, Report

FIRMWARE = "1.0.0-sim"
_FRAME_TYPES = {
    Kind.CHANGE: FrameType.EVENT,
    Kind.HEARTBEAT: FrameType.HEARTBEAT,
    Kind.BOOT: FrameType.BOOT,
}
_BOSCH_PORTS = {
    Kind.CHANGE: lorawan.BOSCH_CHANGE,
    Kind.HEARTBEAT: lorawan.BOSCH_HEARTBEAT,
    Kind.BOOT: lorawan.BOSCH_STARTUP,
}
_PLACEPOD_PORT = 2
_UPLINK_S = 0.02
"""A network server publishes an uplink so much after its time of reception."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """Wall seconds from the start, Unix time and city time. `start` is the town's local time at the start."""

    epoch: float
    start: datetime
    speed: float

    def unix(self, offset: float) -> float:
        """Unix seconds."""
        return self.epoch + offset

    def city(self, offset: float) -> datetime:
        """The town's local time."""
        return self.start + timedelta(seconds=offset * self.speed)


class Speech:
    """The voice of every sensor in a run. `boot` is the boot id that all start with."""

    def __init__(self, city: City, clock: Clock, *, boot: int, sealer: Sealer = NO_SEALS) -> None:
        self._city = city
        self._clock = clock
        self._boot = boot
        self.sealer = sealer
        self._sites = [site.id for site in city.sites]
        self.heartbeats: dict[int, int] = {}
        """Seconds between heartbeats where a command has set them, by bay."""
        self.rebooted: set[tuple[int, int]] = set()
        """Bay and session of each start that a command brought about."""

    def is_lorawan(self, report: Report) -> bool:
        """Whether a network server publishes for this sensor."""
        return bool(self._city.radio[report.bay] >= Radio.TTS)

    def identity(self, report: Report) -> Identity:
        """The identity that the report's event has in the system."""
        device = self._city.device_ids[report.bay]
        if not self.is_lorawan(report):
            return Identity(device, self.boot_of(report), report.seq % 65_536)
        uplink = self._uplink(report)
        tts = self._city.radio[report.bay] == Radio.TTS
        session = network_session(uplink.session_key_id if tts else uplink.dev_addr)
        part = network_part(uplink.payload, port=uplink.f_port, heard_at=utc(uplink.heard_at))
        return Identity(device, session, uplink.f_cnt, part)

    def event(self, report: Report) -> Event:
        """The ledger's record of the report."""
        device, session, seq, part = self.identity(report)
        at = self._heard(report) if self.is_lorawan(report) else self._clock.unix(report.since)
        return Event(
            at=utc(at),
            began=utc(self._clock.unix(report.since)),
            site=self._sites[self._city.site_of[report.bay]],
            bay=self._city.bay_ids[report.bay],
            device=device,
            session=session,
            seq=seq,
            part=part,
            state=state_name(report.occupied),
            kind=Kind(report.kind).name.lower(),
        )

    def topic(self, report: Report) -> str:
        """Where the sensor's word is published, for all but gateways' sensors."""
        device = self._city.device_ids[report.bay]
        radio = self._city.radio[report.bay]
        if radio == Radio.TTS:
            return lorawan.tts_topic(device)
        if radio == Radio.CHIRPSTACK:
            return lorawan.chirpstack_topic(device)
        return topics.bay_up(self._sites[self._city.site_of[report.bay]], device)

    def frame(self, report: Report, now: float) -> StateFrame:
        """Our frame as it leaves the sensor at `now`."""
        boot = report.kind == Kind.BOOT
        tlvs = (
            telemetry(
                firmware=FIRMWARE,
                reset_cause=self._reset_cause(report),
                heartbeat_s=self.heartbeat_s(report.bay),
            )
            if boot
            else ()
        )
        return StateFrame(
            type=_FRAME_TYPES[Kind(report.kind)],
            state=State.OCCUPIED if report.occupied else State.VACANT,
            boot=self.boot_of(report),
            seq=report.seq % 65_536,
            age_s=max(0, int(now - report.since)),
            previous_s=None if math.isnan(report.previous) else int(report.previous),
            battery_v=self._battery_v(report.bay),
            temperature_c=self._temperature_c(report),
            tlvs=tlvs,
        )

    def health(self, report: Report) -> HealthFrame:
        """How the sensor is that last said this."""
        return HealthFrame(
            boot=self.boot_of(report),
            battery_v=self._battery_v(report.bay),
            temperature_c=self._temperature_c(report),
            tlvs=telemetry(firmware=FIRMWARE),
        )

    def answer(self, bay: int, frame: Frame) -> tuple[str, bytes]:
        """Topic and payload of a frame that tells nothing of the bay; by a gateway, a bundle of one."""
        site, device = self._sites[self._city.site_of[bay]], self._city.device_ids[bay]
        gateway = int(self._city.gateway[bay])
        if gateway < 0:
            return topics.bay_up(site, device), self.sealer.seal(device, encode(frame))
        bundle = Bundle((self._entry(device, 0, frame),))
        return topics.gateway_up(site, self._city.gateway_id(gateway)), encode_bundle(bundle)

    def boot_of(self, report: Report) -> int:
        """The boot id under which our sensor says this."""
        return (self._boot + report.session) % 256

    def heartbeat_s(self, bay: int) -> int:
        """Seconds between the heartbeats of our sensor, as its boot frame tells them."""
        return min(self.heartbeats.get(bay, int(self._city.heartbeat_s[bay])), 65_535)

    def frame_body(self, report: Report, now: float) -> bytes:
        """Our frame's bytes, for a sensor that publishes itself."""
        return self.sealer.seal(self._city.device_ids[report.bay], encode(self.frame(report, now)))

    def uplink_body(self, report: Report) -> bytes:
        """The network server's message about a LoRaWAN sensor's uplink."""
        uplink = self._uplink(report)
        if self._city.radio[report.bay] == Radio.TTS:
            return lorawan.tts_message(uplink)
        return lorawan.chirpstack_message(uplink)

    def gateway_topic(self, gateway: int, report: Report) -> str:
        """Where the gateway of this report publishes."""
        return topics.gateway_up(self._sites[self._city.site_of[report.bay]], self._city.gateway_id(gateway))

    def bundle_body(self, heard: Sequence[tuple[str, float, StateFrame]], now: float) -> bytes:
        """A gateway's bundle as it leaves at `now`: of each device, when it was heard and its frame."""
        entries = [self._entry(device, int(max(0.0, now - at)), frame) for device, at, frame in heard]
        return encode_bundle(Bundle(tuple(entries)))

    def _entry(self, device: str, held_s: int, frame: Frame) -> BundleEntry:
        if not self.sealer.seals(device):
            return BundleEntry(device, held_s, frame)
        # To its gateway a sealed frame is bytes that it cannot read.
        unread = FrameError("bad_type", "sealed")
        return BundleEntry(device, held_s, unread, self.sealer.seal(device, encode(frame)))

    def _reset_cause(self, report: Report) -> ResetCause:
        if (report.bay, report.session) in self.rebooted:
            return ResetCause.SOFTWARE
        return ResetCause.POWER_ON if report.session == 0 else ResetCause.WATCHDOG

    def _heard(self, report: Report) -> float:
        return self._clock.unix(report.due - _UPLINK_S)

    def _uplink(self, report: Report) -> lorawan.Uplink:
        city = self._city
        device = city.device_ids[report.bay]
        session = lorawan.session_of(city.seed, f"{self._clock.epoch:.6f}", device, report.session)
        f_port, payload = self._payload(report)
        return lorawan.Uplink(
            eui=device,
            session=session,
            f_cnt=report.seq,
            f_port=f_port,
            payload=payload,
            heard_at=self._heard(report),
        )

    def _payload(self, report: Report) -> tuple[int, bytes]:
        temperature = self._temperature_c(report)
        if self._city.radio[report.bay] == Radio.TTS:
            port = _BOSCH_PORTS[Kind(report.kind)]
            return port, lorawan.bosch_payload(port, report.occupied, temperature)
        return _PLACEPOD_PORT, lorawan.placepod_payload(
            occupied=report.occupied,
            heartbeat=report.kind == Kind.HEARTBEAT,
            boot=report.kind == Kind.BOOT,
            battery_v=self._battery_v(report.bay),
            temp_c=temperature,
        )

    def _battery_v(self, bay: int) -> float:
        """Each sensor its own, 3.2 to 3.65 V: they were bought in different years."""
        return 3.2 + (bay * 37 % 46) / 100

    def _temperature_c(self, report: Report) -> int:
        """Coldest at four in the morning, warmest twelve hours later; asphalt in the sun a little warmer."""
        now = self._clock.city(report.due)
        hour = now.hour + now.minute / 60
        return round(11 - 6 * math.cos((hour - 4) / 12 * math.pi) + report.bay % 3)


def state_name(occupied: bool) -> str:
    """A state as ledger and API spell it."""
    return "occupied" if occupied else "vacant"
