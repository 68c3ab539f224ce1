"""Judges everything that was heard on our topics, of any number of devices, message by message."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from firmware_protocol import topics
from firmware_protocol.codec import decode_bundle, is_bundle
from firmware_protocol.commands import decode_command, is_command
from firmware_protocol.conformance.answers import Answers
from firmware_protocol.conformance.notes import Heard, Judgement, Notes
from firmware_protocol.conformance.single import Single
from firmware_protocol.conformance.timeline import Timeline, Told
from firmware_protocol.frames import AckFrame, BundleEntry, FrameError, HealthFrame
from firmware_protocol.layout import MESSAGE_EXPIRY_S, pack_duration
from firmware_protocol.sealed import Sealed, is_sealed, split

_GATEWAYS_NAME: Final = re.compile(r"[a-z0-9._-]{1,32}")
Verify = Callable[[str, bytes], bool | None]
"""Whether the MAC of a device's sealed frame is right; None if there is no key to tell."""


@dataclass(slots=True)
class _Device:
    """What is known of one device."""

    timeline: Timeline
    answers: Answers
    counters: dict[int, tuple[int, bytes]]
    seals: bool = False
    healths: int = 0
    last: Heard | None = None


class Judge:
    """`tolerance_s` is what the network may take, `heartbeat_s` the interval where a device does not tell."""

    def __init__(
        self,
        *,
        tolerance_s: float = 2.0,
        heartbeat_s: int | None = None,
        verify: Verify = lambda device, payload: None,
    ) -> None:
        self._notes = Notes()
        self._tolerance_s = tolerance_s
        self._heartbeat_s = heartbeat_s
        self._verify = verify
        self._devices: dict[str, _Device] = {}
        self._end: float | None = None
        self.frames = 0
        """Frames so far, those in bundles one by one."""

    @property
    def devices(self) -> list[str]:
        """Who was heard, in order."""
        return sorted(self._devices)

    def take(self, heard: Heard) -> None:
        """Judge the next message."""
        if heard.at is not None:
            self._end = max(heard.at, self._end or heard.at)
        if heard.topic is None:
            bundle = is_bundle(heard.payload)
        else:
            where = topics.parse(heard.topic)
            self._look("M-1", heard, None if where else f"{heard.topic!r} is none of our topics")
            if where is None or where.kind not in ("bay", "gateway"):
                return
            heard = replace(heard, device=where.name)
            if where.leaf == "down":
                self._down(heard)
                return
            bundle = where.kind == "gateway"
            if not bundle:
                self._name(heard)
        self._transport(heard)
        if bundle:
            self._bundle(heard)
        else:
            self._one(heard, heard.payload)

    def finish(self, end: float | None = None) -> list[Judgement]:
        """The verdict on each clause. `end` is until when was listened; by default the last arrival."""
        for name, device in self._devices.items():
            device.timeline.finish(end or self._end)
            device.answers.finish(end or self._end)
            if device.healths and device.last is not None:
                wrong = (
                    None if device.timeline.states else "health frames alone: nobody knows the bay's state"
                )
                self._notes.look("H-1", device=name, number=device.last.number, wrong=wrong)
        return self._notes.judgements()

    def _device(self, name: str) -> _Device:
        if name not in self._devices:
            timeline = Timeline(
                name, self._notes, tolerance_s=self._tolerance_s, heartbeat_s=self._heartbeat_s
            )
            self._devices[name] = _Device(timeline, Answers(name, self._notes), {})
        return self._devices[name]

    def _look(self, clause: str, heard: Heard, wrong: str | None, *, must: bool = True) -> None:
        self._notes.look(clause, device=heard.device, number=heard.number, wrong=wrong, must=must)

    def _transport(self, heard: Heard) -> None:
        if heard.qos is not None:
            self._look("M-2", heard, f"published with QoS {heard.qos}" if heard.qos != 1 else None)
        if heard.retained is not None:
            self._look("M-3", heard, "published as retained" if heard.retained else None)
        if heard.five:
            right = heard.expiry_property == str(MESSAGE_EXPIRY_S) and heard.expiry_s is not None
            wrong = f"no message expiry of {MESSAGE_EXPIRY_S} s with the user property expiry"
            self._look("M-4", heard, None if right else wrong, must=False)

    def _name(self, heard: Heard) -> None:
        wrong = f"device id {heard.device!r} could not pass through a gateway [B-2]"
        self._look("M-1", heard, None if _GATEWAYS_NAME.fullmatch(heard.device) else wrong, must=False)

    def _down(self, heard: Heard) -> None:
        data = heard.payload
        try:
            data = split(data).body if is_sealed(data) else data
            command = decode_command(data) if is_command(data) else None
        except FrameError:
            return
        if command is not None:
            self._device(heard.device).answers.command(command, heard)

    def _bundle(self, by_gateway: Heard) -> None:
        heard = by_gateway
        try:
            bundle = decode_bundle(heard.payload)
        except FrameError as error:
            self._look("B-3" if error.code == "too_long" else "F-1", by_gateway, error.detail)
            return
        self._look("B-3", by_gateway, None)
        self._look("B-6", by_gateway, bundle.error.detail if bundle.error else None)
        self._look("F-5", by_gateway, "reserved bits of a bundle are set" if heard.payload[1] else None)
        for entry in bundle.entries:
            self._entry(replace(heard, device=entry.device), by_gateway, entry)

    def _entry(self, heard: Heard, by_gateway: Heard, entry: BundleEntry) -> None:
        wrong = entry.frame.detail if isinstance(entry.frame, FrameError) and not entry.device else None
        self._look("B-2", by_gateway, wrong)
        self._look("B-7", by_gateway, "a bundle inside a bundle" if is_bundle(entry.raw) else None)
        if wrong is not None or is_bundle(entry.raw):
            return
        Single(by_gateway, self._notes).duration("the delay", pack_duration(entry.delay_s))
        if is_sealed(entry.raw):
            self._look("A-11", by_gateway, None)
        at = None if heard.at is None else heard.at - entry.delay_s
        self._one(replace(heard, at=at), entry.raw)

    def _one(self, heard: Heard, data: bytes) -> None:
        """One frame of one device, plain or sealed."""
        self.frames += 1
        device = self._device(heard.device)
        device.last = heard
        if is_sealed(data):
            body = self._sealed(device, heard, data)
            if body is None:
                return
            data = body
        elif device.seals:
            self._look("A-9", heard, "a plain frame of a device that seals")
        frame = Single(heard, self._notes).judge(data)
        if isinstance(frame, AckFrame):
            device.answers.ack(frame, heard)
            if frame.heartbeat_s:
                device.timeline.configure(frame.heartbeat_s)
        elif isinstance(frame, HealthFrame):
            device.healths += 1
            device.answers.health()
        elif frame is not None:
            device.answers.state(frame, heard)
            device.timeline.take(Told(frame, heard.number, heard.at))

    def _sealed(self, device: _Device, heard: Heard, data: bytes) -> bytes | None:
        """The frame inside, if it is one to be judged."""
        try:
            sealed = split(data)
        except FrameError as error:
            self._look("F-4" if error.code == "too_long" else "F-1", heard, error.detail)
            return None
        device.seals = True
        self._look("A-9", heard, None)
        good = self._verify(heard.device, data)
        if good is not None:
            self._look("A-2", heard, None if good else "the MAC is not that of this frame, device and key")
        self._counter(device, heard, sealed)
        inside = not sealed.body or is_sealed(sealed.body) or is_bundle(sealed.body)
        self._look("A-1", heard, "no plain frame inside" if inside else None)
        return None if inside else sealed.body

    def _counter(self, device: _Device, heard: Heard, sealed: Sealed) -> None:
        before = device.counters.get(sealed.key)
        device.counters[sealed.key] = sealed.counter, sealed.mac
        if before is not None and before != (sealed.counter, sealed.mac):
            wrong = f"counter {sealed.counter} of key {sealed.key} after {before[0]}"
            self._look("A-3", heard, wrong if sealed.counter <= before[0] else None)
