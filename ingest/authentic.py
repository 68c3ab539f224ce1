"""Which messages are their devices' own and new: SPEC section 12, for many messages at once. Pure.

Theory of operation. `verify` looks at each message's MAC, then at its counter. It changes nothing: it gives
the replay windows that hold if what it found authentic is stored, and the caller stores both in one
transaction.

So a crash leaves both or neither. With neither, the message that MQTT delivers again is new, as it should be.
With both, its counter has been used: it is *repeated*. By SPEC [A-3] a used counter means the same bytes
again, be it by MQTT or by somebody who recorded them, and the answer is the same: it changes nothing, not
even when the device was last heard. Only what to call it differs, and there the database decides (`settle`):
if the transition is stored, it is a copy, to be acknowledged and forgotten; if not, it is `replayed`, to be
recorded.

What must survive a restart: each window, two numbers. Windows that are older than the events are safe, since
the events' identity still recognises a copy; windows that are newer are not, so they are never stored alone.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from hmac import compare_digest
from typing import Final, NamedTuple

from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.cmac import CMAC

from firmware_protocol.codec import decode
from firmware_protocol.frames import FrameError, StateFrame
from firmware_protocol.layout import MAC_SIZE, MAX_FRAME_SIZE, SEALED_HEADER_SIZE
from firmware_protocol.sealed import OVERHEAD, SEALED_HEAD, Direction, mac_input, split
from firmware_protocol.window import Window
from parking.device_keys import DeviceKeys
from parking.errors import Rejection

MOST_BEGUN: Final = 32_768
"""MACs that are kept begun, 0.9 kB each; the devices beyond these cost three times as much time."""
WindowKey = tuple[str, int]
"""A device and the number of its key: each key has a window of its own."""


class Verified(NamedTuple):
    """A message whose MAC is right. `at` is its place among those given; `body` is the plain frame."""

    at: int
    device: str
    key: int
    counter: int
    body: bytes


class Rejected(NamedTuple):
    """A message that is refused, and why; `at` is its place among those given."""

    at: int
    reason: Rejection


@dataclass(slots=True)
class Checked:
    """What became of each message: each is in exactly one of the four lists.

    `windows` are those that differ from what was given: store them together with what `authentic` tells.
    """

    authentic: list[Verified] = field(default_factory=list)
    repeated: list[Verified] = field(default_factory=list)
    plain: list[int] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    windows: dict[WindowKey, Window] = field(default_factory=dict)

    def counts(self) -> Counter[str]:
        """How many of each kind; those that were refused by their code."""
        found = Counter(rejected.reason.code for rejected in self.rejected)
        found.update(authentic=len(self.authentic), repeated=len(self.repeated), plain=len(self.plain))
        return +found


class Verifier:
    """Knows the keys of the devices that seal; all others' messages are plain."""

    def __init__(self, keys: DeviceKeys) -> None:
        self._keys = keys
        self._begun: dict[WindowKey, CMAC] = {}

    def verify(self, messages: Iterable[tuple[str, bytes]], windows: Mapping[WindowKey, Window]) -> Checked:
        """Judge (device, payload) pairs in their order, each given what those before it have used."""
        checked = Checked()
        changed, begun = checked.windows, self._begun
        for at, (device, payload) in enumerate(messages):
            if not payload or payload[0] != SEALED_HEAD:
                self._unsealed(at, device, checked)
                continue
            place = (device, payload[1] if OVERHEAD <= len(payload) <= MAX_FRAME_SIZE else -1)
            context = begun.get(place) or self._begin(place)
            if context is None:
                checked.rejected.append(Rejected(at, _unknown(device, payload)))
                continue
            mac = context.copy()
            mac.update(payload[:-MAC_SIZE])
            if not compare_digest(mac.finalize()[:MAC_SIZE], payload[-MAC_SIZE:]):
                checked.rejected.append(Rejected(at, _forged(device, payload)))
                continue
            counter = int.from_bytes(payload[2:SEALED_HEADER_SIZE], "big")
            verified = Verified(at, device, place[1], counter, payload[SEALED_HEADER_SIZE:-MAC_SIZE])
            window = changed.get(place) or windows.get(place) or _UNUSED
            if window.is_behind(counter):
                checked.rejected.append(Rejected(at, _behind(verified, window)))
            elif counter <= window.highest and window.is_used(counter):
                checked.repeated.append(verified)
            else:
                changed[place] = window.after(counter)
                checked.authentic.append(verified)
        return checked

    def _unsealed(self, at: int, device: str, checked: Checked) -> None:
        if device in self._keys:
            checked.rejected.append(Rejected(at, _not_sealed(device)))
        else:
            checked.plain.append(at)

    def _begin(self, place: WindowKey) -> CMAC | None:
        """A MAC into which what is always the same has gone: key, device id and direction."""
        device, number = place
        secret = self._keys.get(device, {}).get(number)
        if secret is None:
            return None
        context = CMAC(AES(secret))
        context.update(mac_input(device, Direction.UP, b""))
        if len(self._begun) < MOST_BEGUN:
            self._begun[place] = context
        return context


def settle(
    repeated: Iterable[Verified], is_stored: Callable[[str, int, int], bool]
) -> tuple[list[Verified], list[Rejected]]:
    """Part what was repeated into copies of what is stored, and replays.

    `is_stored(device, boot, seq)` says whether the database has that transition, or gets it in the same
    transaction. What tells of no transition (health, ack) or cannot be read could change nothing anyway: it
    is a copy.
    """
    copies, replays = [], []
    for verified in repeated:
        identity = _identity(verified.body)
        if identity is None or is_stored(verified.device, *identity):
            copies.append(verified)
        else:
            detail = f"counter {verified.counter} of {_whose(verified)} was used for what is not stored"
            replays.append(Rejected(verified.at, Rejection("replayed", detail)))
    return copies, replays


_UNUSED = Window()


def _identity(body: bytes) -> tuple[int, int] | None:
    try:
        frame = decode(body)
    except FrameError:
        return None
    return (frame.boot, frame.seq) if isinstance(frame, StateFrame) else None


def _not_sealed(device: str) -> Rejection:
    return Rejection("not_sealed", f"device {device!r} has a key, so it must seal what it sends")


def _unknown(device: str, payload: bytes) -> Rejection:
    try:
        sealed = split(payload)
    except FrameError as error:
        return Rejection(error.code, error.detail)
    return Rejection("unknown_key", f"key {sealed.key} is not one of device {device!r}, or no longer")


def _forged(device: str, payload: bytes) -> Rejection:
    return Rejection(
        "forged", f"the MAC is not that of key {payload[1]} of device {device!r} over this frame"
    )


def _behind(verified: Verified, window: Window) -> Rejection:
    return Rejection(
        "replayed",
        f"counter {verified.counter} of {_whose(verified)} is far behind the highest, {window.highest}",
    )


def _whose(verified: Verified) -> str:
    return f"key {verified.key} of device {verified.device!r}"
