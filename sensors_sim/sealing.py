"""Sensors that seal their frames: those that have a key in the file of device keys."""

import time
from collections.abc import Callable
from functools import partial
from hmac import compare_digest

from firmware_protocol.frames import FrameError
from firmware_protocol.layout import MAC_SIZE
from firmware_protocol.sealed import Direction, mac_input, seal, split
from parking.device_keys import DeviceKeys, cmac


class Sealer:
    """Seals each frame under a counter of its own, and opens commands, as those devices do that have a key.

    Counters follow the clock, in seconds, so that a run goes on above the run before: a real sensor keeps
    them in its flash. A sensor that speaks oftener than once a second counts on from there.
    """

    def __init__(self, keys: DeviceKeys, clock: Callable[[], float] = time.time) -> None:
        self._keys = keys
        self._clock = clock
        self._used: dict[str, int] = {}
        self._obeyed: dict[str, int] = {}

    def seals(self, device: str) -> bool:
        """Whether the device has a key."""
        return device in self._keys

    def seal(self, device: str, frame: bytes) -> bytes:
        """The frame in its seal, under the device's newest key; as it is if the device has none."""
        secrets = self._keys.get(device)
        if not secrets:
            return frame
        counter = max(int(self._clock()), self._used.get(device, -1) + 1)
        self._used[device] = counter
        number = list(secrets)[-1]
        return seal(frame, device=device, key=number, counter=counter, mac=partial(cmac, secrets[number]))

    def command(self, device: str, payload: bytes) -> bytes | None:
        """What the device takes for a command; None if it must ignore the message [A-10]."""
        secrets = self._keys.get(device)
        if not secrets:
            return payload
        try:
            sealed = split(payload)
        except FrameError:
            return None
        secret = secrets.get(sealed.key)
        if secret is None or sealed.counter <= self._obeyed.get(device, -1):
            return None
        mac = cmac(secret, mac_input(device, Direction.DOWN, sealed.signed))[:MAC_SIZE]
        if not compare_digest(mac, sealed.mac):
            return None
        self._obeyed[device] = sealed.counter
        return sealed.body


NO_SEALS = Sealer({})
"""Of a city where every frame is plain."""
