"""MQTT over a bare socket: a publisher and a subscriber that cost next to nothing for each message.

`python -m bench.wire publish FILE` and `python -m bench.wire subscribe COUNT FILTER` are the processes that
`bench.peers` starts. Each connects, writes the line `ready`, waits for a line, works, and writes what it did
as JSON. The broker's address is in PARKING_BENCH_WIRE_URL, since arguments are for everyone to see.
"""

import argparse
import json
import os
import secrets
import select
import socket
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

import numpy as np

from bench import mqtt
from bench.mqtt import Credentials, Packets, Session, WireError

URL_VARIABLE = "PARKING_BENCH_WIRE_URL"
KEPT_S = 600
"""How long a session that we leave at the broker lives (MQTT 5)."""
WINDOW = 4_000
"""Most messages that the publisher has unacknowledged."""
_READ_BYTES = 1 << 18
_WRITE_BYTES = 1 << 18
_CONNECT_S = 10.0


@dataclass(frozen=True, slots=True)
class Published:
    """What the broker acknowledged. Times are of the monotonic clock, which all processes share."""

    acknowledged: int
    started_at: float
    ended_at: float
    cpu_s: float


@dataclass(frozen=True, slots=True)
class Received:
    """What the subscriber took and acknowledged, from the word to go on."""

    received: int
    started_at: float
    ended_at: float
    cpu_s: float


class Wire:
    """One connection to the broker; `left` is what has been read and not yet understood."""

    def __init__(self, url: str, session: Session) -> None:
        parts = urlsplit(url)
        who = Credentials(
            unquote(parts.username) if parts.username is not None else None,
            unquote(parts.password) if parts.password is not None else None,
        )
        self.level = session.level
        self.left = bytearray()
        self.socket = socket.create_connection((str(parts.hostname), parts.port or 1883), _CONNECT_S)
        try:
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.socket.sendall(mqtt.connect(session, who))
            body = self.expect(mqtt.CONNACK)
            if body[1]:
                raise WireError(f"the broker refused the connection (reason {body[1]:#x})")
        except BaseException:
            self.socket.close()
            raise

    def __enter__(self) -> "Wire":
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def expect(self, kind: int) -> bytes:
        """The body of the next packet, which must be of this kind."""
        found, body = self.next_packet()
        if found != kind:
            raise WireError(f"packet type {found:#x} where {kind:#x} was expected")
        return body

    def next_packet(self) -> tuple[int, bytes]:
        """The type and the body of the next packet."""
        while (packet := mqtt.first_packet(self.left)) is None:
            self.left += self.read()
        kind, body, size = packet
        del self.left[:size]
        return kind, body

    def read(self) -> bytes:
        """What has arrived, at least a byte. Raises WireError at the end of the connection."""
        data = self.socket.recv(_READ_BYTES)
        if not data:
            raise WireError("the broker closed the connection")
        return data

    def subscribe(self, filters: Sequence[str]) -> None:
        """Subscribe at QoS 1."""
        self.socket.sendall(mqtt.subscribe(filters, self.level))
        if max(self.expect(mqtt.SUBACK)[-len(filters) :]) > 1:
            raise WireError(f"the broker refused the subscription to {', '.join(filters)}")

    def end(self) -> None:
        """Disconnect in good order; a session kept over MQTT 5 ends too."""
        self.socket.sendall(mqtt.disconnect(self.level))


def publish(
    wire: Wire,
    packets: Packets,
    *,
    window: int = WINDOW,
    rate: float | None = None,
    start_at: float | None = None,
    deadline_s: float = 300.0,
) -> Published:
    """Send all packets and wait until each is acknowledged; `rate` (a second) paces them from `start_at` on.

    A paced message's moment is `start_at + index / rate`, whether or not it could be sent then.
    """
    count, view, offsets = len(packets), memoryview(packets.data), packets.offsets
    wire.socket.setblocking(False)
    sent = acknowledged = 0
    begun = start_at if start_at is not None else time.monotonic()
    cpu = time.process_time()
    while acknowledged < count:
        now = time.monotonic()
        if now > begun + deadline_s:
            raise WireError(f"{acknowledged} of {count} messages acknowledged after {deadline_s:g} s")
        due = count if rate is None else max(0, min(count, int((now - begun) * rate + 1)))
        end = int(offsets[min(due, acknowledged + window)])
        if sent < end:
            sent += _send(wire.socket, view[sent : min(end, sent + _WRITE_BYTES)])
        patience = _pause(rate, begun, due, count, now) if sent >= end else 1.0
        readable, _, _ = select.select([wire.socket], [wire.socket] if sent < end else [], [], patience)
        if readable:
            wire.left += wire.read()
            whole = len(wire.left) & ~3
            acknowledged += mqtt.count_acknowledgements(bytes(wire.left[:whole]))
            del wire.left[:whole]
    return Published(acknowledged, begun, time.monotonic(), time.process_time() - cpu)


def receive(wire: Wire, count: int, *, deadline_s: float = 300.0) -> Received:
    """Take `count` messages and acknowledge each as soon as it is here, without looking at it."""
    received, started_at = 0, time.monotonic()
    cpu, give_up = time.process_time(), started_at + deadline_s
    while received < count:
        wire.socket.settimeout(max(give_up - time.monotonic(), 0.001))
        try:
            wire.left += wire.read()
        except TimeoutError as error:
            raise WireError(f"{received} of {count} messages arrived in {deadline_s:g} s") from error
        ids: list[int] = []
        del wire.left[: mqtt.packet_ids(wire.left, ids)]
        wire.socket.sendall(mqtt.acknowledgements(ids))
        received += len(ids)
    # The broker takes what we sent before it answers this: then all acknowledgements are with it.
    wire.socket.sendall(mqtt.PINGREQ)
    wire.expect(mqtt.PINGRESP)
    return Received(received, started_at, time.monotonic(), time.process_time() - cpu)


def connect(url: str, session: Session) -> Wire:
    """Connect as asked, over MQTT 3.1.1 where the broker does not speak 5."""
    try:
        return Wire(url, session)
    except (WireError, ConnectionError):
        if session.level == mqtt.V311:
            raise
        return Wire(url, Session(session.client_id, mqtt.V311, session.clean or not session.expiry_s))


def leave_session(url: str, client_id: str, filters: Sequence[str]) -> None:
    """Subscribe and go away: from now on the broker keeps these messages."""
    with connect(url, Session(client_id, mqtt.V5, clean=False, expiry_s=KEPT_S)) as wire:
        wire.subscribe(filters)
        wire.socket.sendall(mqtt.disconnect(mqtt.V311))


def end_session(url: str, client_id: str) -> int:
    """End a kept session at the broker; how many messages it still held unacknowledged."""
    with connect(url, Session(client_id, mqtt.V5, clean=False, expiry_s=60)) as wire:
        left = _held(wire)
        wire.end()
    with connect(url, Session(client_id, wire.level)) as wire:
        wire.end()
    return left


def waiting(url: str, client_id: str) -> int:
    """How many messages a kept session holds unacknowledged; it keeps them."""
    with connect(url, Session(client_id, mqtt.V5, clean=False, expiry_s=KEPT_S)) as wire:
        left = _held(wire)
        wire.socket.sendall(mqtt.disconnect(mqtt.V311))
    return left


def clear_retained(url: str, topics: Sequence[str]) -> None:
    """Remove the retained messages of these topics."""
    with connect(url, Session(f"parking-bench-{secrets.token_hex(4)}")) as wire:
        wire.socket.sendall(b"".join(map(mqtt.clear_retained, topics)) + mqtt.PINGREQ)
        wire.expect(mqtt.PINGRESP)
        wire.end()


def save(packets: Packets, path: Path) -> None:
    """Write packets for the publishing process."""
    np.savez(path, data=np.frombuffer(packets.data, np.uint8), offsets=packets.offsets, level=packets.level)


def load(path: Path) -> Packets:
    """Read what `save` wrote."""
    with np.load(path) as file:
        return Packets(file["data"].tobytes(), file["offsets"], int(file["level"]))


def _held(wire: Wire) -> int:
    """What the broker sends of a session before it answers us."""
    wire.socket.sendall(mqtt.PINGREQ)
    left = 0
    while (kind := wire.next_packet()[0]) != mqtt.PINGRESP:
        left += kind == mqtt.PUBLISH
    return left


def _send(connection: socket.socket, data: memoryview) -> int:
    try:
        return connection.send(data)
    except BlockingIOError:
        return 0


def _pause(rate: float | None, begun: float, due: int, count: int, now: float) -> float:
    """How long there is nothing to send (seconds), unless an acknowledgement comes."""
    if rate is None or due >= count:
        return 1.0
    return max(0.0, begun + due / rate - now)


def _publish(arguments: argparse.Namespace, url: str) -> Published | None:
    packets = load(arguments.file)
    session = Session(f"parking-bench-{secrets.token_hex(4)}", packets.level)
    with Wire(url, session) as wire:
        start = _go()
        if start is None:
            return None
        done = publish(
            wire,
            packets,
            rate=arguments.rate,
            start_at=float(start) if start else None,
            deadline_s=arguments.deadline,
        )
        wire.socket.setblocking(True)
        wire.end()
    return done


def _subscribe(arguments: argparse.Namespace, url: str) -> Received | None:
    if arguments.session:
        # The connection itself sets the backlog loose.
        if _go() is None:
            return None
        session = Session(arguments.session, mqtt.V5, clean=False, expiry_s=KEPT_S)
        with connect(url, session) as wire:
            return _receive(wire, arguments)
    with connect(url, Session(f"parking-bench-{secrets.token_hex(4)}", mqtt.V5)) as wire:
        wire.subscribe(arguments.filters)
        return _receive(wire, arguments) if _go() is not None else None


def _receive(wire: Wire, arguments: argparse.Namespace) -> Received:
    done = receive(wire, arguments.count, deadline_s=arguments.deadline)
    wire.end()
    return done


def _go() -> str | None:
    """Say that all is ready and wait for the word; None if there is nobody to give it."""
    print("ready", flush=True)
    line = sys.stdin.readline()
    return line.strip() if line else None


def main() -> None:
    """One peer process."""
    parser = argparse.ArgumentParser(prog="python -m bench.wire", description=__doc__)
    parser.add_argument("--deadline", type=float, default=300.0, help="give up after this (seconds)")
    verbs = parser.add_subparsers(dest="verb", required=True)
    verb = verbs.add_parser("publish")
    verb.add_argument("file", type=Path)
    verb.add_argument("--rate", type=float, help="messages a second")
    verb = verbs.add_parser("subscribe")
    verb.add_argument("count", type=int)
    verb.add_argument("filters", nargs="*")
    verb.add_argument("--session", help="come back to this kept session instead of subscribing")
    arguments = parser.parse_args()
    url = os.environ[URL_VARIABLE]
    work = _publish if arguments.verb == "publish" else _subscribe
    try:
        done = work(arguments, url)
    except (WireError, OSError) as error:
        sys.exit(f"bench.wire {arguments.verb}: {error}")
    if done is not None:
        print(json.dumps(asdict(done)), flush=True)


if __name__ == "__main__":
    main()
