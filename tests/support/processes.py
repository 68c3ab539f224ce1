"""The real `parking` command in a process of its own."""

import os
import re
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import httpx

from cli.embedded import GuardedProcess
from tests.support.polling import PATIENCE_S, until
from tests.support.services import PROJECT

PARKING = Path(sys.executable).with_name("parking")


class ParkingProcess:
    """One running `parking ...`; its output, both streams, is in `output`."""

    def __init__(self, arguments: Sequence[str], *, env: Mapping[str, str], log: Path) -> None:
        self.arguments = tuple(arguments)
        self._process = GuardedProcess(
            [PARKING, *arguments],
            log=log,
            cwd=PROJECT,
            env=clean_environment(env),
            stop=((signal.SIGTERM, 15.0),),
        )
        self._process.start()

    @property
    def pid(self) -> int:
        """The process id of the command itself."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether it has not ended yet."""
        return self._process.returncode is None

    @property
    def output(self) -> str:
        """All that it has written so far."""
        return self._process.log.read_text(errors="replace")

    async def wait_for_output(self, pattern: str, *, timeout: float = 60.0) -> re.Match[str]:
        """Wait until its output matches a regular expression."""

        def matches() -> re.Match[str] | None:
            found = re.search(pattern, self.output)
            assert found or self.running, f"{self} ended before it wrote {pattern!r}:\n{self.output}"
            return found

        return await until(matches, timeout=timeout, what=lambda: f"{self} wrote {pattern!r}:\n{self.output}")

    async def wait_for_http(self, url: str, *, status: int = 200, timeout: float = 60.0) -> httpx.Response:
        """Wait until this address answers with this status."""
        async with httpx.AsyncClient(timeout=2.0, trust_env=False) as client:

            async def answers() -> httpx.Response | None:
                assert self.running, f"{self} ended before {url} answered:\n{self.output}"
                try:
                    response = await client.get(url)
                except httpx.TransportError:
                    return None
                return response if response.status_code == status else None

            return await until(
                answers, timeout=timeout, what=lambda: f"{url} answers {status}; {self} wrote:\n{self.output}"
            )

    async def terminate(self, timeout: float = PATIENCE_S) -> int:
        """Send SIGTERM and wait; return the exit code."""
        self._process.send_signal(signal.SIGTERM)
        return await self._process.wait(timeout)

    async def kill(self) -> int:
        """Send SIGKILL and wait; return minus nine."""
        self._process.send_signal(signal.SIGKILL)
        return await self._process.wait(10.0)

    async def wait(self, timeout: float) -> int:
        """Wait for it to end by itself; return the exit code."""
        return await self._process.wait(timeout)

    async def reap(self) -> None:
        """End it, however it is."""
        await self._process.stop()

    def __str__(self) -> str:
        return f"`parking {' '.join(self.arguments)}`"


def clean_environment(settings: Mapping[str, str]) -> dict[str, str]:
    """Our environment with these PARKING_ settings and no others.

    Unless they say otherwise no change is held back: tests let happen within seconds what no bay does.
    """
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PARKING_")}
    return inherited | {"PYTHONUNBUFFERED": "1", "PARKING_DEBOUNCE_S": "0"} | dict(settings)
