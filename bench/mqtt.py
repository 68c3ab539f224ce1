"""The few MQTT packets that the benchmarks need, as bytes: MQTT 3.1.1 (level 4) and MQTT 5 (level 5)."""

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
import numpy.typing as npt

V311: Final = 4
V5: Final = 5
MAX_PACKET_ID: Final = 65_535
EXPIRY_S: Final = 604_800
"""Message expiry of our frames over MQTT 5, also told in a user property (SPEC [M-4])."""

CONNACK: Final = 0x20
PUBLISH: Final = 0x30
PUBACK: Final = 0x40
SUBACK: Final = 0x90
PINGRESP: Final = 0xD0
PINGREQ: Final = b"\xc0\x00"
_PUBLISH_QOS_1: Final = b"\x32"
_PUBLISH_QOS_0_RETAINED: Final = b"\x31"


class WireError(Exception):
    """The broker refused, hung up, or sent what was not expected."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """Who we are for the broker."""

    user: str | None = None
    password: str | None = None


@dataclass(frozen=True, slots=True)
class Session:
    """How to connect. `expiry_s` keeps the session so long after the connection (MQTT 5; 0 ends it)."""

    client_id: str
    level: int = V311
    clean: bool = True
    receive_maximum: int = MAX_PACKET_ID
    expiry_s: int = 0


def connect(session: Session, who: Credentials) -> bytes:
    """CONNECT without keep-alive: these clients live for seconds."""
    flags = session.clean << 1 | (who.user is not None) << 7 | (who.password is not None) << 6
    properties = b""
    if session.level == V5:
        properties = _sized(struct.pack(">BIBH", 0x11, session.expiry_s, 0x21, session.receive_maximum))
    head = _text("MQTT") + bytes((session.level, flags)) + b"\0\0" + properties
    texts = [session.client_id, *(text for text in (who.user, who.password) if text is not None)]
    return b"\x10" + _sized(head + b"".join(map(_text, texts)))


def subscribe(filters: Sequence[str], level: int) -> bytes:
    """SUBSCRIBE at QoS 1; over MQTT 5 without the replay of retained messages."""
    options = b"\x21" if level == V5 else b"\x01"
    body = b"\0\x01" + (b"\0" if level == V5 else b"") + b"".join(_text(f) + options for f in filters)
    return b"\x82" + _sized(body)


def disconnect(level: int) -> bytes:
    """DISCONNECT; over MQTT 5 the session ends with it."""
    return b"\xe0\x07\x00\x05\x11\0\0\0\0" if level == V5 else b"\xe0\x00"


def clear_retained(topic: str) -> bytes:
    """PUBLISH at QoS 0 (MQTT 3.1.1) that removes a topic's retained message."""
    return _PUBLISH_QOS_0_RETAINED + _sized(_text(topic))


@dataclass(frozen=True, slots=True)
class Packets:
    """Encoded PUBLISH packets end to end; packet i lies at `offsets[i]:offsets[i + 1]` (int64)."""

    data: bytes
    offsets: npt.NDArray[np.int64]
    level: int = V311

    def __len__(self) -> int:
        return len(self.offsets) - 1


def encode_publishes(messages: Iterator[tuple[str, bytes]], *, expiring: bool = False) -> Packets:
    """QoS 1 PUBLISH packets, ids 1 to 65535 in turn; `expiring` ones are MQTT 5 with the expiry of [M-4]."""
    properties = _expiry_properties() if expiring else b""
    topics: dict[str, bytes] = {}
    parts: list[bytes] = []
    sizes = [0]
    for index, (topic, payload) in enumerate(messages):
        name = topics.get(topic)
        if name is None:
            name = topics[topic] = _text(topic)
        packet_id = (index % MAX_PACKET_ID + 1).to_bytes(2, "big")
        packet = _PUBLISH_QOS_1 + _sized(name + packet_id + properties + payload)
        parts.append(packet)
        sizes.append(len(packet))
    return Packets(b"".join(parts), np.cumsum(sizes, dtype=np.int64), V5 if expiring else V311)


def encode_publish(topic: str, payload: bytes, packet_id: int) -> bytes:
    """One QoS 1 PUBLISH packet of MQTT 5 with the expiry of [M-4]."""
    return _PUBLISH_QOS_1 + _sized(
        _text(topic) + packet_id.to_bytes(2, "big") + _expiry_properties() + payload
    )


def renamed(packets: Packets) -> Packets:
    """The same messages on topics that begin with an x, which no subscription but our own takes."""
    data = np.frombuffer(packets.data, np.uint8).copy()
    sizes = np.diff(packets.offsets)
    # Behind the type, the bytes of the remaining length (7 bits each) and the topic's size.
    length_bytes = 1 + (sizes > 2 + 0x7F).astype(np.int64) + (sizes > 3 + 0x3FFF) + (sizes > 4 + 0x1FFFFF)
    data[packets.offsets[:-1] + 1 + length_bytes + 2] = ord("x")
    return Packets(data.tobytes(), packets.offsets, packets.level)


def unpacked(packets: Packets) -> Iterator[tuple[str, bytes]]:
    """Topic and payload of each packet (MQTT 3.1.1)."""
    for start, end in pairwise(packets.offsets.tolist()):
        _, name = _remaining_length(packets.data, start + 1)
        name_end = name + 2 + (packets.data[name] << 8 | packets.data[name + 1])
        yield packets.data[name + 2 : name_end].decode(), packets.data[name_end + 2 : end]


def packet_ids(data: bytes | bytearray, found: list[int]) -> int:
    """Append the id of each whole QoS 1 PUBLISH at the front of `data`; the bytes that they take.

    Raises WireError at any other packet. The loop is the one cost for each message: it does nothing else.
    """
    at, size = 0, len(data)
    while at + 2 <= size:
        head, length, begin = data[at], data[at + 1], at + 2
        if length > 127:
            length, begin = _remaining_length(data, at + 1)
        end = begin + length
        if length < 0 or end > size:
            break
        if head & 0xF6 != 0x32:
            raise WireError(f"packet type {head:#x} where a message at QoS 1 was expected")
        name_end = begin + 2 + (data[begin] << 8 | data[begin + 1])
        found.append(data[name_end] << 8 | data[name_end + 1])
        at = end
    return at


def acknowledgements(packet_ids: Sequence[int]) -> bytes:
    """PUBACK for each, in one piece."""
    words = np.empty((len(packet_ids), 2), dtype=">u2")
    words[:, 0] = PUBACK << 8 | 2
    words[:, 1] = packet_ids
    return words.tobytes()


def count_acknowledgements(data: bytes) -> int:
    """How many PUBACKs these whole four-byte words are. Raises WireError if one is something else."""
    words = np.frombuffer(data, dtype=">u2").reshape(-1, 2)
    if not (words[:, 0] == (PUBACK << 8 | 2)).all():
        raise WireError(f"not an acknowledgement among {data[:16].hex()}...")
    return len(words)


def first_packet(data: bytes | bytearray) -> tuple[int, bytes, int] | None:
    """Type, body and total size of the first packet, None while it is not whole."""
    if len(data) < 2:
        return None
    length, begin = _remaining_length(data, 1)
    if length < 0 or begin + length > len(data):
        return None
    return data[0] & 0xF0, bytes(data[begin : begin + length]), begin + length


def _remaining_length(data: bytes | bytearray, at: int) -> tuple[int, int]:
    """The length that begins at `at`, and where it ends; -1 while it is not whole."""
    length = shift = 0
    while at < len(data):
        length |= (data[at] & 0x7F) << shift
        if data[at] < 128:
            return length, at + 1
        shift, at = shift + 7, at + 1
    return -1, at


def _expiry_properties() -> bytes:
    user = b"\x26" + _text("expiry") + _text(str(EXPIRY_S))
    return _sized(b"\x02" + EXPIRY_S.to_bytes(4, "big") + user)


def _text(text: str) -> bytes:
    encoded = text.encode()
    return len(encoded).to_bytes(2, "big") + encoded


def _sized(body: bytes) -> bytes:
    length, head = len(body), bytearray()
    while True:
        head.append(length & 0x7F | (0x80 if length > 127 else 0))
        length >>= 7
        if not length:
            return bytes(head) + body
