"""Sealed frames as a device of ours makes them, and files of device keys."""

import json
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from firmware_protocol.codec import encode
from firmware_protocol.frames import FrameType, State, StateFrame
from firmware_protocol.sealed import Direction, seal
from parking.device_keys import DeviceKeys, cmac


def event(seq: int, *, boot: int = 2, age_s: int = 3) -> bytes:
    """A plain frame of a change."""
    return encode(
        StateFrame(type=FrameType.EVENT, state=State(seq % 2), boot=boot, seq=seq, age_s=age_s, previous_s=60)
    )


def sealed(
    body: bytes,
    counter: int,
    *,
    secret: bytes,
    device: str,
    key: int = 1,
    direction: Direction = Direction.UP,
) -> bytes:
    """A frame in its seal."""
    return seal(body, device=device, key=key, counter=counter, mac=partial(cmac, secret), direction=direction)


def write_keys(path: Path, keys: DeviceKeys | Mapping[str, Mapping[int, bytes]]) -> Path:
    """A file of device keys that nobody else can read; replaced in one step."""
    devices = {
        device: [{"key": number, "secret": secret.hex()} for number, secret in secrets.items()]
        for device, secrets in keys.items()
    }
    new = path.with_suffix(".new")
    new.write_text(json.dumps({"devices": devices}))
    new.chmod(0o600)
    new.rename(path)
    return path
