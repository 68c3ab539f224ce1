"""A bounded closed-loop HTTP load: wrk where it is installed, else a client of our own over raw sockets."""

import asyncio
import re
import shutil
import time
from dataclasses import dataclass
from urllib.parse import urlsplit

_UNITS_MS = {"us": 0.001, "ms": 1.0, "s": 1000.0}


@dataclass(frozen=True, slots=True)
class Load:
    """What one round reached: requests a second, and latencies in milliseconds."""

    per_second: float
    p50_ms: float
    p99_ms: float


class LoadFailed(Exception):
    """A round had answers other than 200, or none."""


def client_name() -> str:
    """Which client `run` uses."""
    return "wrk" if shutil.which("wrk") else "own asyncio client"


async def run(url: str, *, seconds: float, connections: int, coding: str = "") -> Load:
    """Ask for `url` over and over on so many connections, each waiting for its answer. Raises LoadFailed.

    With a `coding` the client asks for it (Accept-Encoding), and takes the body as it comes.
    """
    header = f"Accept-Encoding: {coding}" if coding else ""
    if shutil.which("wrk"):
        return await _wrk(url, header, seconds=seconds, connections=connections)
    return await _own(url, header, seconds=seconds, connections=connections)


async def _wrk(url: str, header: str, *, seconds: float, connections: int) -> Load:
    whole = max(1, round(seconds))
    headers = ("-H", header) if header else ()
    wrk = await asyncio.create_subprocess_exec(
        *("wrk", "--latency", "-t1", f"-c{connections}", f"-d{whole}s", *headers, url),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said = (await wrk.communicate())[0].decode()
    if wrk.returncode or "Non-2xx" in said or "Socket errors" in said:
        raise LoadFailed(f"{url}: {said}")
    rate = re.search(r"Requests/sec:\s+([\d.]+)", said)
    shares = {share: _ms(value) for share, value in re.findall(r"(50|99)%\s+([\d.]+\w+)", said)}
    if rate is None or shares.keys() != {"50", "99"}:
        raise LoadFailed(f"wrk said something unexpected: {said}")
    return Load(float(rate[1]), shares["50"], shares["99"])


def _ms(value: str) -> float:
    number, unit = re.fullmatch(r"([\d.]+)(us|ms|s)", value).groups()  # type: ignore[union-attr]
    return float(number) * _UNITS_MS[unit]


class _Connection(asyncio.Protocol):
    """One connection in a closed loop. An answer ends where its Content-Length says."""

    def __init__(self, request: bytes, took: list[float]) -> None:
        self._request = request
        self._took = took
        self._buffer = b""
        self._missing = 0
        self._sent_at = 0.0
        self.transport: asyncio.WriteTransport | None = None
        self.problem: str | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        self.transport = transport
        self._ask()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if not self._missing and (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            length = re.search(rb"content-length: (\d+)", self._buffer[:end].lower())
            if not self._buffer.startswith(b"HTTP/1.1 200 ") or length is None:
                self.problem = self._buffer[:100].decode("latin-1")
                return
            self._missing = end + 4 + int(length[1])
        if self._missing and len(self._buffer) >= self._missing:
            self._took.append(time.perf_counter() - self._sent_at)
            self._buffer, self._missing = b"", 0
            self._ask()

    def _ask(self) -> None:
        assert self.transport is not None
        self._sent_at = time.perf_counter()
        self.transport.write(self._request)


async def _own(url: str, header: str, *, seconds: float, connections: int) -> Load:
    parts = urlsplit(url)
    lines = (f"GET {parts.path} HTTP/1.1", f"Host: {parts.netloc}", *filter(None, (header,)), "", "")
    request = "\r\n".join(lines).encode()
    host, port = str(parts.hostname), int(parts.port or 80)
    took: list[float] = []
    loop = asyncio.get_running_loop()
    clients = [
        (await loop.create_connection(lambda: _Connection(request, took), host, port))[1]
        for _ in range(connections)
    ]
    began = time.perf_counter()
    before = len(took)
    await asyncio.sleep(seconds)
    elapsed, answers = time.perf_counter() - began, sorted(took[before:])
    for client in clients:
        if client.transport is not None:
            client.transport.abort()
    problems = [client.problem for client in clients if client.problem]
    if problems or not answers:
        raise LoadFailed(f"{url}: {problems or 'no answer'}")
    at = [1000 * answers[int(share * (len(answers) - 1))] for share in (0.5, 0.99)]
    return Load(len(answers) / elapsed, *at)
