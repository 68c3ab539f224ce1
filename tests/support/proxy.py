"""A TCP proxy on loopback that can stand still, cut connections off, and refuse them."""

import asyncio
import socket
import struct
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from cli.embedded.ports import LOOPBACK, choose_port

_RESET = struct.pack("ii", 1, 0)  # SO_LINGER of no time: closing sends RST
_READ_BYTES = 1 << 16


@dataclass(frozen=True, slots=True, eq=False)
class _Gates:
    """Whether bytes move, either way, on the connections that share these."""

    to_server: asyncio.Event = field(default_factory=asyncio.Event)
    to_client: asyncio.Event = field(default_factory=asyncio.Event)

    def open(self) -> None:
        self.to_server.set()
        self.to_client.set()


class Proxy:
    """Passes connections on to the server of `url`; `Proxy.url` is the same address through here."""

    def __init__(self, url: str) -> None:
        self._server_url = urlsplit(url)
        self._port = choose_port()
        self._gates = _Gates()
        self._gates.open()
        self._listener: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._serving: Counter[_Gates] = Counter()

    @property
    def url(self) -> str:
        """The server's address with our port in its place."""
        user, _, _ = self._server_url.netloc.rpartition("@")
        return self._server_url._replace(netloc=f"{user}@{LOOPBACK}:{self._port}").geturl()

    @property
    def quiet(self) -> bool:
        """Whether all connections have ended and all their bytes arrived; forgotten ones do not count."""
        return not self._serving[self._gates]

    async def __aenter__(self) -> Self:
        await self.accept()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.refuse()
        self.reset()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def freeze(self, *, to_server: bool = True, to_client: bool = True) -> None:
        """Half-open: connections stand, new ones are taken, and no byte, not even an end, moves that way."""
        if to_server:
            self._gates.to_server.clear()
        if to_client:
            self._gates.to_client.clear()

    def resume(self) -> None:
        """Go on where it stood still; nothing of what was sent meanwhile is missing."""
        self._gates.open()

    def heal(self) -> None:
        """New connections pass; those that stand still do so for ever, their router has forgotten them."""
        self._gates = _Gates()
        self._gates.open()

    def reset(self) -> None:
        """Cut off every connection with RST, both ends."""
        for writer in self._writers:
            connection: socket.socket = writer.get_extra_info("socket")
            with suppress(OSError):
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            writer.transport.abort()
        self._writers.clear()

    async def refuse(self) -> None:
        """Take no new connections."""
        if self._listener is not None:
            self._listener.close()
            await self._listener.wait_closed()
            self._listener = None

    async def accept(self) -> None:
        """Take new connections."""
        self._listener = await asyncio.start_server(self._serve, LOOPBACK, self._port)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        gates = self._gates
        self._serving[gates] += 1
        self._writers.add(writer)
        host, port = self._server_url.hostname, self._server_url.port
        try:
            await gates.to_server.wait()
            to_server, up = await asyncio.open_connection(host, port)
            self._writers.add(up)
            await asyncio.gather(
                _pump(reader, up, gates.to_server),
                _pump(to_server, writer, gates.to_client),
                return_exceptions=True,
            )
        except (OSError, asyncio.CancelledError):  # cancelled only at the end, when all are cut off
            writer.transport.abort()
        finally:
            self._serving[gates] -= 1


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, gate: asyncio.Event) -> None:
    """Pass bytes on, while the gate is open; then the end, once they are with the operating system."""
    try:
        while data := await reader.read(_READ_BYTES):
            await gate.wait()
            writer.write(data)
            await writer.drain()
        await gate.wait()
    finally:
        writer.close()
    await writer.wait_closed()
