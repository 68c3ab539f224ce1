"""What the embedded services share: a private folder, the wait until ready, start and stop as a context."""

import asyncio
import os
import secrets
import shutil
import sys
import tempfile
import time
from abc import ABC, abstractmethod
from pathlib import Path
from types import TracebackType
from typing import Self

from cli.embedded.ports import choose_port
from cli.embedded.process import GuardedProcess, ServiceFailed

_POLL_S = 0.02


class EmbeddedService(ABC):
    """A server in its own process, listening on the loopback interface, there while the context is open."""

    name: str
    process: GuardedProcess

    @abstractmethod
    def _prepare(self, private: Path) -> GuardedProcess:
        """Prepare data and configuration; return the server's process, which removes `private` in the end."""

    @abstractmethod
    async def _answers(self) -> bool:
        """Whether a real client connection succeeds now."""

    def __init__(
        self, data_dir: Path | None = None, port: int | None = None, *, start_timeout_s: float = 30.0
    ) -> None:
        self._data_dir = data_dir
        self._asked_port = port
        self._start_timeout_s = start_timeout_s
        self.port = 0
        """The port it listens on: the one asked for, or another if that was taken."""

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        """Start the server and return when it answers. Raises ServiceFailed with the end of its log."""
        await asyncio.to_thread(self._launch)
        deadline = time.monotonic() + self._start_timeout_s
        try:
            while not await self._answers():
                self._check(time.monotonic() < deadline)
                await asyncio.sleep(_POLL_S)
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """End the server and, where the data is temporary, remove it."""
        await self.process.stop()

    def _launch(self) -> None:
        private = self._private_folder()
        try:
            # Started again it keeps its address, if it can.
            self.port = choose_port(self.port or self._asked_port)
            self.process = self._prepare(private)
            self.process.start()
        except BaseException:
            shutil.rmtree(private, ignore_errors=True)
            raise

    def _private_folder(self) -> Path:
        return private_folder(type(self).__name__)

    def _check(self, in_time: bool) -> None:
        code = self.process.returncode
        if code is None and in_time:
            return
        what = (
            f"did not answer within {self._start_timeout_s:g} s"
            if code is None
            else f"ended with code {code}"
        )
        raise ServiceFailed(
            f"The {self.name} {what}. Its last words:\n{self.process.tail() or '(none)'}",
            hint="Check free memory and disk space. If a port is named above, stop what uses it.",
        )


def private_folder(purpose: str, *, base: Path | None = None) -> Path:
    """Make a new temporary folder that only this user can enter."""
    return Path(tempfile.mkdtemp(prefix=f"parking-{purpose}-", dir=base))


def new_password() -> str:
    """A password that fits into a URL as it is."""
    return secrets.token_urlsafe(18)


def is_root() -> bool:
    """Whether this process is root, as which PostgreSQL refuses to run."""
    return sys.platform != "win32" and os.geteuid() == 0
