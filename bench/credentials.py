"""What many credentials cost the broker: `python -m bench.credentials [--count 10000] [--connected 500]`.

Mosquitto runs out of the Debian root of `make services`, with what `parking broker config` writes.
"""

import argparse
import asyncio
import json
import os
import signal
import socket
import ssl
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.meter import cpu_s, memory_mb
from cli.broker_folder import Did, locked
from parking.access import Role, holder
from parking.passwords import hashed, new_password
from tests.support.secured import SecuredMosquitto
from tests.support.services import find_services

WATCH_S = 3.0


@contextmanager
def _timed(figures: dict[str, float], name: str) -> Iterator[None]:
    begun = time.perf_counter()
    yield
    figures[name] = time.perf_counter() - begun


class _Device:
    """A device that is connected to the street."""

    def __init__(self, broker: SecuredMosquitto, user: str, password: str) -> None:
        context = ssl.create_default_context(cafile=broker.ca)
        plain = socket.create_connection(("127.0.0.1", broker.street), timeout=60)
        self.socket = context.wrap_socket(plain, server_hostname="127.0.0.1")
        fields = [part.encode() for part in ("bench", user, password)]
        body = b"\x00\x04MQTT\x04\xc2\x01\x2c" + b"".join(
            len(field).to_bytes(2, "big") + field for field in fields
        )
        self.socket.sendall(b"\x10" + _length(len(body)) + body)
        answer = self.socket.recv(4)
        if answer != b"\x20\x02\x00\x00":
            raise SystemExit(f"the broker refused {user}: {answer.hex()}")

    def ping(self) -> None:
        """Ask, and wait for the answer."""
        self.socket.sendall(b"\xc0\x00")
        if self.socket.recv(2) != b"\xd0\x00":
            raise SystemExit("the broker ended a connection that it should keep")


def _slowest(device: _Device) -> float:
    """The longest that an answer took within some seconds: the broker does one thing at a time."""
    slowest, until = 0.0, time.perf_counter() + WATCH_S
    while (asked := time.perf_counter()) < until:
        device.ping()
        slowest = max(slowest, time.perf_counter() - asked)
    return slowest


def _resident(process: int) -> float:
    read = memory_mb(process)
    return read[0] if read else float("nan")


def _length(count: int) -> bytes:
    return bytes([count]) if count < 128 else bytes([count % 128 | 128, count // 128])


async def measure(count: int, connected: int, folder: Path) -> dict[str, float]:
    """Seconds and megabytes for so many credentials, of which so many are connected."""
    figures: dict[str, float] = {"credentials": count, "connected": connected}
    holders = [holder(Role.DEVICE, f"a84041{number:010x}", f"site-{number % 500}") for number in range(count)]
    passwords = [new_password() for _ in holders]
    async with SecuredMosquitto(folder / "authority") as broker:
        process = broker.process.pid
        figures["MB without any"] = _resident(process)
        with locked(broker.folder) as files:
            with _timed(figures, "s to make them"):
                files.users.update(
                    (one.user, hashed(secret)) for one, secret in zip(holders, passwords, strict=True)
                )
            with _timed(figures, "s to write them"):
                files.save(Did.CREATED, (one.user for one in holders))
        await broker.stop()
        with _timed(figures, "s until a broker with them answers"):
            await broker.start()
        process = broker.process.pid
        figures["MB with them"] = _resident(process)
        with ExitStack() as stack:
            devices = []
            with _timed(figures, "s for the logins, by TLS"):
                for one, secret in list(zip(holders, passwords, strict=True))[:connected]:
                    devices.append(_Device(broker, one.user, secret))
                    stack.enter_context(devices[-1].socket)
            before = cpu_s(process)
            os.kill(process, signal.SIGHUP)
            figures["s of standstill when it reads them anew"] = _slowest(devices[0])
            figures["s of its processor time meanwhile"] = cpu_s(process) - before
            with _timed(figures, "s from a revocation until the connection is cut"):
                with locked(broker.folder) as files:
                    del files.users[holders[0].user]
                    files.save(Did.REVOKED, [holders[0].user])
                os.kill(process, signal.SIGHUP)
                if devices[0].socket.recv(1):
                    raise SystemExit("the revoked device is still served")
            devices[-1].ping()
    return figures


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.credentials", description=__doc__)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--connected", type=int, default=500)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    if not find_services().runs_own_mosquitto:
        sys.exit("This needs the Mosquitto in the Debian root: run `make services` as root on Debian.")
    with TemporaryDirectory(prefix="parking-bench-") as folder:
        figures = asyncio.run(measure(arguments.count, arguments.connected, Path(folder)))
    if arguments.json:
        print(json.dumps(figures))
    else:
        print("\n".join(f"{name:48} {value:,.6g}" for name, value in figures.items()))


if __name__ == "__main__":
    main()
