"""The MQTT 3.1.1 and 5 packets that an ingestor needs: bytes in, values out, no I/O.

A general client makes several objects of each message; at the rates of a backlog this is most of the work.
So this module reads a whole buffer of PUBLISH packets in one loop and writes acknowledgements by the batch.
It covers what `ingest.mqtt_source` uses: connect with a persistent session, subscribe, receive at QoS 0 and
1, acknowledge, publish at QoS 1, ping. References [MQTT-x] are to the OASIS standard, version 5.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

V311: Final = 4
V5: Final = 5

CONNACK, PUBLISH, PUBACK, SUBACK, UNSUBACK, PINGRESP, DISCONNECT = 0x20, 0x30, 0x40, 0x90, 0xB0, 0xD0, 0xE0
RETAINED, AGAIN = 0x01, 0x08
"""Flags of a PUBLISH: the replay of a retained message; delivered before, and not acknowledged then."""
PINGREQ: Final = b"\xc0\x00"
GOODBYE: Final = b"\xe0\x00"
MAX_PACKET: Final = 268_435_455

SESSION_EXPIRY, RECEIVE_MAXIMUM, MESSAGE_EXPIRY, SERVER_KEEP_ALIVE = 0x11, 0x21, 0x02, 0x13
REASON_STRING, USER_PROPERTY = 0x1F, 0x26
_BYTE, _TWO, _FOUR, _VARIABLE, _TEXT, _BINARY, _PAIR = "1", "2", "4", "v", "s", "b", "p"
_PROPERTIES: Final = {
    0x01: _BYTE, 0x02: _FOUR, 0x03: _TEXT, 0x08: _TEXT, 0x09: _BINARY, 0x0B: _VARIABLE, 0x11: _FOUR,
    0x12: _TEXT, 0x13: _TWO, 0x15: _TEXT, 0x16: _BINARY, 0x17: _BYTE, 0x18: _FOUR, 0x19: _BYTE, 0x1A: _TEXT,
    0x1C: _TEXT, 0x1F: _TEXT, 0x21: _TWO, 0x22: _TWO, 0x23: _TWO, 0x24: _BYTE, 0x25: _BYTE, 0x26: _PAIR,
    0x27: _FOUR, 0x28: _BYTE, 0x29: _BYTE, 0x2A: _BYTE,
}  # fmt: skip

TAKEN_OVER: Final = 0x8E
REASONS: Final = {
    0x01: "unacceptable protocol version", 0x02: "client id rejected", 0x03: "server unavailable",
    0x04: "wrong user name or password", 0x05: "not authorised", 0x81: "malformed packet",
    0x82: "protocol error", 0x84: "unsupported protocol version", 0x85: "client id not valid",
    0x86: "wrong user name or password", 0x87: "not authorised", 0x88: "server unavailable",
    0x89: "server busy", 0x8A: "banned", 0x8B: "server shutting down", 0x8D: "keep alive timeout",
    TAKEN_OVER: "session taken over by another client with our id", 0x93: "receive maximum exceeded",
    0x95: "packet too large", 0x97: "quota exceeded",
}  # fmt: skip
"""Why a broker refuses or ends a connection, in words; versions 3.1.1 and 5 share the table."""


class MqttError(Exception):
    """The broker sent what the standard does not allow, or refused us."""


@dataclass(frozen=True, slots=True)
class Packet:
    """Any packet but PUBLISH: its type (upper four bits), its body, and what the standard calls flags."""

    kind: int
    body: bytes


Receive = Callable[[bytes, bytes, int, int, dict[int, Any] | None], None]
"""Takes a message: topic, payload, packet id (0 at QoS 0), flags, properties (None without any)."""


def reason(code: int) -> str:
    """A reason code in words."""
    return REASONS.get(code, f"reason code {code:#04x}")


def read(buffer: bytes, version: int, receive: Receive) -> tuple[list[Packet], int]:
    """Read all whole packets: messages go to `receive`, others are returned; then how many bytes were read.

    Raises MqttError on bytes that cannot be MQTT.
    """
    others: list[Packet] = []
    at, size = 0, len(buffer)
    while size - at >= 2:
        head, length, body = buffer[at], buffer[at + 1], at + 2
        if length & 0x80:
            found = _long_length(buffer, at + 1)
            if found is None:
                break
            length, body = found
        end = body + length
        if end > size:
            break
        if head & 0xF0 == PUBLISH:
            name = body + 2 + (buffer[body] << 8 | buffer[body + 1] if length >= 2 else MAX_PACKET)
            qos, mid, rest = head >> 1 & 3, 0, name
            if qos:
                rest = name + 2
                mid = buffer[name] << 8 | buffer[name + 1] if rest <= end else 0
            if rest > end or qos > 1 or (qos and not mid):
                raise MqttError("a PUBLISH packet that we did not ask for")
            known = None
            if version == V5:
                if rest < end and not buffer[rest]:
                    rest += 1
                else:
                    known, rest = _properties(buffer, rest, end)
            receive(buffer[body + 2 : name], buffer[rest:end], mid, head, known)
        else:
            others.append(Packet(head & 0xF0, buffer[body:end]))
        at = end
    return others, at


def _long_length(buffer: bytes, at: int) -> tuple[int, int] | None:
    """A remaining length of two to four bytes and where the body begins; None if it is not all there."""
    value = 0
    for i in range(4):
        if at + i >= len(buffer):
            return None
        value |= (buffer[at + i] & 0x7F) << 7 * i
        if not buffer[at + i] & 0x80:
            return value, at + i + 1
    raise MqttError("a packet longer than MQTT allows")


def _properties(buffer: bytes, at: int, end: int) -> tuple[dict[int, Any], int]:
    """The properties that begin at `at` and where they end. User properties are a list of pairs."""
    found: dict[int, Any] = {}
    try:
        length, at = _variable(buffer, at)
        stop = at + length
        if stop > end:
            raise MqttError("properties longer than their packet")
        while at < stop:
            kind = _PROPERTIES[buffer[at]]
            value, after = _value(buffer, at + 1, kind)
            if kind == _PAIR:
                found.setdefault(USER_PROPERTY, []).append(value)
            else:
                found[buffer[at]] = value
            at = after
    except (KeyError, IndexError, UnicodeDecodeError) as error:
        raise MqttError("properties that cannot be read") from error
    if at != stop:
        raise MqttError("properties longer than they say")
    return found, stop


def _variable(buffer: bytes, at: int) -> tuple[int, int]:
    found = _long_length(buffer, at)
    if found is None:
        raise IndexError
    return found


def _value(buffer: bytes, at: int, kind: str) -> tuple[Any, int]:
    if kind in "124":
        size = int(kind)
        return int.from_bytes(buffer[at : at + size], "big"), at + size
    if kind == _VARIABLE:
        return _variable(buffer, at)
    size = buffer[at] << 8 | buffer[at + 1]
    data, after = buffer[at + 2 : at + 2 + size], at + 2 + size
    if kind == _BINARY:
        return data, after
    if kind == _TEXT:
        return data.decode(), after
    value, after = _value(buffer, after, _TEXT)
    return (data.decode(), value), after


@dataclass(frozen=True, slots=True)
class Connack:
    """The broker's answer: `refused` is None if it accepts."""

    refused: str | None
    refused_version: bool
    session_present: bool
    properties: dict[int, Any]


def read_connack(body: bytes, version: int) -> Connack:
    """The broker's answer to CONNECT. Raises MqttError if it cannot be read."""
    if len(body) < 2:
        raise MqttError("a CONNACK packet that is too short")
    code = body[1]
    known = _properties(body, 2, len(body))[0] if version == V5 and len(body) > 2 else {}
    return Connack(reason(code) if code else None, code in (0x01, 0x84), bool(body[0] & 1), known)


def read_suback(body: bytes, version: int) -> list[int]:
    """A reason code for each topic filter; 0x80 and above is a refusal."""
    at = _properties(body, 2, len(body))[1] if version == V5 else 2
    return list(body[at:])


def read_disconnect(body: bytes) -> str:
    """Why the broker ends the connection."""
    return reason(body[0]) if body and body[0] else "the broker ended the connection"


def connect(
    *,
    version: int,
    client_id: str,
    keep_alive_s: int,
    receive_maximum: int,
    user: str | None,
    password: str | None,
    clean: bool = False,
) -> bytes:
    """CONNECT with a session that stays; with `clean`, one that ends whatever there was [MQTT-3.1.2]."""
    flags = (0x80 if user is not None else 0) | (0x40 if password is not None else 0) | (0x02 if clean else 0)
    head = _text("MQTT") + bytes((version, flags)) + keep_alive_s.to_bytes(2, "big")
    if version == V5:
        known = bytes((SESSION_EXPIRY,)) + (bytes(4) if clean else b"\xff\xff\xff\xff")
        known += bytes((RECEIVE_MAXIMUM,)) + receive_maximum.to_bytes(2, "big")
        head += _length(len(known)) + known
    body = head + _text(client_id)
    body += b"".join(_text(value) for value in (user, password) if value is not None)
    return _packet(0x10, body)


def subscribe(packet_id: int, filters: Sequence[str], *, version: int) -> bytes:
    """SUBSCRIBE at QoS 1. By MQTT 5 without our own messages and without the replay of retained ones."""
    options = b"\x25" if version == V5 else b"\x01"  # QoS 1, no local, retain handling 2 [MQTT-3.8.3.1]
    known = b"\x00" if version == V5 else b""
    topics = b"".join(_text(topic) + options for topic in filters)
    return _packet(0x82, packet_id.to_bytes(2, "big") + known + topics)


def unsubscribe(packet_id: int, filters: Sequence[str], *, version: int) -> bytes:
    """UNSUBSCRIBE: nothing new comes; what waits in the session still does."""
    known = b"\x00" if version == V5 else b""
    return _packet(0xA2, packet_id.to_bytes(2, "big") + known + b"".join(map(_text, filters)))


def publish(topic: str, payload: bytes, packet_id: int, *, retain: bool, version: int) -> bytes:
    """PUBLISH at QoS 1."""
    known = b"\x00" if version == V5 else b""
    return _packet(0x32 | retain, _text(topic) + packet_id.to_bytes(2, "big") + known + payload)


def pubacks(packet_ids: Sequence[int]) -> bytes:
    """A PUBACK for each packet id."""
    packets = np.empty(len(packet_ids), dtype=[("head", ">u2"), ("id", ">u2")])
    packets["head"] = PUBACK << 8 | 2
    packets["id"] = packet_ids
    return packets.tobytes()


def packet_ids() -> Iterator[int]:
    """1 to 65535, again and again."""
    while True:
        yield from range(1, 65_536)


def _packet(head: int, body: bytes) -> bytes:
    return bytes((head,)) + _length(len(body)) + body


def _length(value: int) -> bytes:
    """A variable byte integer [MQTT-1.5.5]."""
    if value > MAX_PACKET:
        raise MqttError(f"{value} bytes do not fit into a packet")
    out = bytearray()
    while True:
        value, low = value >> 7, value & 0x7F
        out.append(low | (0x80 if value else 0))
        if not value:
            return bytes(out)


def _text(value: str) -> bytes:
    data = value.encode()
    if len(data) > 65_535:
        raise MqttError(f"a text of {len(data)} bytes, at most 65535")
    return len(data).to_bytes(2, "big") + data
