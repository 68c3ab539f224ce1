"""Publishers and subscribers as processes of their own: told when to go, asked what they did."""

import asyncio
import json
import os
import secrets
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from bench import wire
from bench.mqtt import Packets
from bench.wire import Published, Received

PROJECT = Path(__file__).resolve().parents[1]


class PeerFailed(Exception):
    """A publisher or subscriber ended without doing its work; says what it wrote."""


class Peer:
    """One running `python -m bench.wire ...`."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def go(self, start_at: float | None = None) -> None:
        """Let it work, at once or from a moment of the monotonic clock on."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{start_at if start_at is not None else ''}\n".encode())
        await self._process.stdin.drain()

    async def line(self) -> str:
        """The next line that it writes. Raises PeerFailed at the end of its output."""
        assert self._process.stdout is not None
        line = await self._process.stdout.readline()
        if not line:
            assert self._process.stderr is not None
            raise PeerFailed((await self._process.stderr.read()).decode().strip() or "a peer ended early")
        return line.decode().strip()

    async def end(self) -> None:
        """End it, however it is."""
        if self._process.returncode is None:
            self._process.kill()
        await self._process.wait()


@asynccontextmanager
async def publisher(
    url: str, packets: Packets, folder: Path, *, rate: float | None = None
) -> AsyncIterator[Peer]:
    """A publisher that is connected and waits for the word."""
    file = folder / f"packets-{secrets.token_hex(4)}.npz"
    wire.save(packets, file)
    pace = () if rate is None else ("--rate", str(rate))
    try:
        async with _peer(url, "publish", str(file), *pace) as peer:
            yield peer
    finally:
        file.unlink()


@asynccontextmanager
async def subscriber(
    url: str, filters: tuple[str, ...], count: int, *, session: str | None = None
) -> AsyncIterator[Peer]:
    """A subscriber that waits for the word; with `session` it then comes back to that kept session."""
    kept = () if session is None else ("--session", session)
    async with _peer(url, "subscribe", str(count), *filters, *kept) as peer:
        yield peer


async def published(peer: Peer) -> Published:
    """What a publisher did, once it has."""
    return Published(**await _result(peer))


async def received(peer: Peer) -> Received:
    """What a subscriber did, once it has."""
    return Received(**await _result(peer))


async def _result(peer: Peer) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(await peer.line())
    return found


@asynccontextmanager
async def _peer(url: str, *arguments: str) -> AsyncIterator[Peer]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench.wire", *arguments),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=PROJECT,
        env={**os.environ, wire.URL_VARIABLE: url},
    )
    peer = Peer(process)
    try:
        if (word := await peer.line()) != "ready":
            raise PeerFailed(f"a peer said {word!r}")
        yield peer
    finally:
        await peer.end()
