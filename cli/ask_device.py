"""One command to one device over the broker, and its answer, whichever way that comes."""

import asyncio
import time
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from cli.mqtt import broker
from firmware_protocol import topics
from firmware_protocol.codec import decode, decode_bundle, is_bundle
from firmware_protocol.commands import Command, encode_command
from firmware_protocol.frames import AckFrame, Frame, FrameError, HealthFrame, Telemetry
from firmware_protocol.sealed import Direction, is_sealed, seal
from ingest.authentic import Verifier, not_sealed
from parking.device_keys import DeviceKeys, cmac
from parking.errors import Rejection
from parking.settings import Settings


@dataclass(slots=True)
class Answer:
    """What came back until the ack, or until the time was over (then `outcome` is None)."""

    site: str
    topic: str
    outcome: int | None = None
    after_s: float = 0.0
    heard: int = 0
    unverified: str | None = None
    values: dict[str, Any] = field(default_factory=dict)


class Listener:
    """Takes what is published and finds what the device says: alone or in a bundle, plain or sealed."""

    def __init__(self, device: str, command: int, answer: Answer, keys: DeviceKeys) -> None:
        self._device = device
        self._command = command
        self._answer = answer
        self._verifier = Verifier(keys)

    def take(self, topic: str, payload: bytes) -> bool:
        """Whether this holds the answer."""
        where = topics.parse(topic)
        if where is None:
            return False
        if where.kind == "bay":
            return self._frame(payload)
        try:
            bundle = decode_bundle(payload) if is_bundle(payload) else None
        except FrameError:
            return False
        entries = bundle.entries if bundle else ()
        return any([self._frame(entry.raw) for entry in entries if entry.device == self._device])

    def _frame(self, payload: bytes) -> bool:
        try:
            return self._read(decode(self._plain(payload)))
        except Rejection as refused:
            self._answer.unverified = refused.detail
        except FrameError:
            pass
        return False

    def _plain(self, payload: bytes) -> bytes:
        """The frame without its seal. Raises Rejection if it is not this device's own."""
        if is_sealed(payload):
            return self._verifier.open(self._device, payload).body
        if self._verifier.must_seal(self._device):
            raise not_sealed(self._device)
        return payload

    def _read(self, frame: Frame) -> bool:
        if isinstance(frame, AckFrame) and frame.command == self._command:
            self._answer.outcome = frame.outcome
            self._answer.values |= _values(frame)
            return True
        self._answer.heard += 1
        if isinstance(frame, HealthFrame):
            health = {"battery_v": frame.battery_v, "temperature_c": frame.temperature_c}
            self._answer.values |= {name: value for name, value in health.items() if value is not None}
            self._answer.values |= _values(frame)
        return False


def _values(frame: Telemetry) -> dict[str, Any]:
    names = ("firmware", "hardware", "uptime_s", "rssi_dbm", "frames_sent", "frames_failed")
    values = {name: getattr(frame, name) for name in (*names, "heartbeat_s", "debounce_ms")}
    return {name: value for name, value in values.items() if value is not None}


async def ask(
    settings: Settings,
    *,
    site: str,
    device: str,
    command: Command,
    keys: DeviceKeys,
    timeout: float,
) -> Answer:
    """Publish the command, sealed if the device has a key, and wait for the ack."""
    down = topics.bay_down(site, device)
    answer = Answer(site, down)
    listener = Listener(device, command.id, answer, keys)
    payload = encode_command(command)
    secrets = keys.get(device)
    if secrets:
        # The newest key is the last one in the file; seconds since 1970 only ever grow.
        number = list(secrets)[-1]
        payload = seal(
            payload,
            device=device,
            key=number,
            counter=int(time.time()),
            mac=partial(cmac, secrets[number]),
            direction=Direction.DOWN,
        )
    async with broker(settings) as connection:
        await connection.subscribe(topics.bay_up(site, device), f"{topics.ROOT}/{site}/gateway/+/up")
        begun = time.monotonic()
        try:
            async with asyncio.timeout(timeout):
                await connection.publish(down, payload, expiry_s=max(1, int(timeout)))
                async for message in connection.client.messages:
                    data = message.payload
                    if isinstance(data, bytes) and listener.take(str(message.topic), data):
                        break
        except TimeoutError:
            return answer
        answer.after_s = time.monotonic() - begun
    return answer
