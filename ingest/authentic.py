"""Which sealed frames are their devices' own: SPEC section 12. Pure.

The MAC comes first: nothing of a frame is believed, looked up or remembered before it is right. Whether the
frame is new is decided in the transaction that stores it (`parking.replay`), where the windows are.
"""

import hashlib
from collections.abc import Mapping
from hmac import compare_digest
from typing import Final, NamedTuple

from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.cmac import CMAC

from firmware_protocol.frames import FrameError
from firmware_protocol.layout import MAC_SIZE, MAX_FRAME_SIZE, SEALED_HEADER_SIZE
from firmware_protocol.sealed import OVERHEAD, SEALED_HEAD, Direction, mac_input, split
from parking.device_keys import DeviceKeys
from parking.devices import canonical_id
from parking.errors import Rejection
from parking.replay import Seal

MOST_BEGUN: Final = 32_768
"""MACs that are kept begun, 0.9 kB each; the devices beyond these cost three times as much time."""


class Opened(NamedTuple):
    """A frame whose MAC is right: the seal, and the plain frame that was in it."""

    seal: Seal
    body: bytes


class _Begun(NamedTuple):
    """A MAC into which what is always the same has gone: key, device id and direction."""

    context: CMAC
    secret_print: int
    device: str


class Verifier:
    """Knows the keys of the devices that seal; all others' messages are plain."""

    def __init__(self, keys: DeviceKeys) -> None:
        self._keys: dict[str, Mapping[int, bytes]] = {
            canonical_id(device): secrets for device, secrets in keys.items()
        }
        self._begun: dict[tuple[str, int], _Begun] = {}

    def __len__(self) -> int:
        """How many devices have a key."""
        return len(self._keys)

    def must_seal(self, device: str) -> bool:
        """Whether this device has a key, so that nothing plain is taken from it [A-9]."""
        return canonical_id(device) in self._keys

    def open(self, device: str, payload: bytes) -> Opened:
        """Verify a sealed frame. `device` is as in the topic, which the MAC covers. Raises Rejection."""
        number = payload[1] if OVERHEAD <= len(payload) <= MAX_FRAME_SIZE else -1
        begun = self._begun.get((device, number)) or self._begin(device, number)
        if begun is None or payload[0] != SEALED_HEAD:
            raise self._unknown(device, payload)
        mac = begun.context.copy()
        mac.update(payload[:-MAC_SIZE])
        if not compare_digest(mac.finalize()[:MAC_SIZE], payload[-MAC_SIZE:]):
            raise Rejection(
                "forged", f"the MAC is not that of key {number} of device {device!r} over this frame"
            )
        counter = int.from_bytes(payload[2:SEALED_HEADER_SIZE], "big")
        seal = Seal(begun.device, number, begun.secret_print, counter)
        return Opened(seal, payload[SEALED_HEADER_SIZE:-MAC_SIZE])

    def _begin(self, device: str, number: int) -> _Begun | None:
        known_as = canonical_id(device)
        secret = self._keys.get(known_as, {}).get(number)
        if secret is None:
            return None
        context = CMAC(AES(secret))
        context.update(mac_input(device, Direction.UP, b""))
        begun = _Begun(context, secret_print(secret), known_as)
        if len(self._begun) < MOST_BEGUN:
            self._begun[device, number] = begun
        return begun

    def _unknown(self, device: str, payload: bytes) -> Rejection:
        try:
            sealed = split(payload)
        except FrameError as error:
            return Rejection(error.code, error.detail)
        if not self._keys:
            why = f"a sealed frame of device {device!r}, and no keys are known: see PARKING_DEVICE_KEY_FILE"
            return Rejection("unknown_key", why)
        return Rejection("unknown_key", f"key {sealed.key} is not one of device {device!r}, or no longer")


NO_KEYS: Final = Verifier({})
"""Of an installation where no device seals: sealed frames are of an unknown key."""


def secret_print(secret: bytes) -> int:
    """64 bits that tell a secret from others and nothing else of it; they may be stored."""
    digest = hashlib.sha256(b"parking sealed window\0" + secret).digest()
    return int.from_bytes(digest[:8], "big", signed=True)


def not_sealed(device: str) -> Rejection:
    """A plain frame of a device that has a key."""
    return Rejection("not_sealed", f"device {device!r} has a key, so it must seal what it sends")
