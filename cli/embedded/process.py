"""Child processes that never outlive this one, even when this one is killed with SIGKILL.

Each runs under a small guardian (`guardian.py`) in a session of its own: a terminal's Ctrl+C reaches only us,
and we then end the children in the order that we choose.
"""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from parking.errors import ParkingError

_GUARDIAN = Path(__file__).with_name("guardian.py")
_POLL_S = 0.01
_TAIL_LINES = 15

StopPlan = Sequence[tuple[signal.Signals, float]]
"""The signals that ask a program to end, each with the seconds it is given to obey."""


class ServiceFailed(ParkingError):
    """A service that the system needs did not start or ended by itself."""


@dataclass(frozen=True, slots=True)
class Account:
    """The system account that a child runs as."""

    uid: int
    gid: int


class GuardedProcess:
    """One child under a guardian. Its output goes to `log`; the folders in `remove` go when it ends."""

    def __init__(
        self,
        argv: Sequence[str | Path],
        *,
        log: Path,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        account: Account | None = None,
        stop: StopPlan = ((signal.SIGTERM, 10.0),),
        remove: Sequence[Path] = (),
    ) -> None:
        self.argv = [str(part) for part in argv]
        self.log = log
        self._env = env
        self._stop_plan = [(int(number), patience) for number, patience in stop]
        self._spec = {
            "argv": self.argv,
            "cwd": str(cwd) if cwd else None,
            "log": str(log),
            "uid": account.uid if account else None,
            "gid": account.gid if account else None,
            "stop": self._stop_plan,
            "remove": [str(folder) for folder in remove],
        }
        self._guardian: subprocess.Popen[bytes] | None = None
        self.pid = 0

    def start(self) -> None:
        """Start the child; `pid` is its own process id. Raises ServiceFailed if it cannot be run at all."""
        self._guardian = subprocess.Popen(
            [sys.executable, "-I", "-S", str(_GUARDIAN), json.dumps(self._spec)],
            env=self._env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        assert self._guardian.stdout is not None
        first_line = self._guardian.stdout.readline()
        if not first_line:
            self._guardian.wait()
            *_, reason = ["", *self._passed_on().splitlines()]
            self._close()
            raise ServiceFailed(f"{self.argv[0]} cannot be run: {reason}")
        self.pid = int(first_line)

    @property
    def returncode(self) -> int | None:
        """None while it runs; the exit code, or minus the number of the signal that ended it."""
        code = self._guardian.poll() if self._guardian else None
        return 128 - code if code is not None and code > 128 else code

    def tail(self, lines: int = _TAIL_LINES) -> str:
        """The last lines that the child wrote; its guardian passes them on if the log has gone."""
        try:
            text = self.log.read_text(errors="replace")
        except FileNotFoundError:
            text = self._passed_on()
        return "\n".join(text.splitlines()[-lines:])

    def send_signal(self, number: signal.Signals) -> None:
        """Send the child a signal, if it still runs."""
        if self.returncode is None:
            os.kill(self.pid, number)

    async def wait(self, timeout: float) -> int:
        """Wait for the child to end by itself or by a signal sent before. Raises TimeoutError."""
        deadline = time.monotonic() + timeout
        while (code := self.returncode) is None:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{self.argv[0]} (process {self.pid}) still runs after {timeout:g} s")
            await asyncio.sleep(_POLL_S)
        self._close()
        return code

    async def stop(self) -> int:
        """End the child as its stop plan says; return its exit code once it and its folders are gone."""
        self.ask_to_stop()
        return await self.wait(sum(patience for _, patience in self._stop_plan) + 10.0)

    def ask_to_stop(self) -> None:
        """Begin to end the child without waiting, so that several can end at once."""
        if self._guardian is not None and self._guardian.stdin is not None:
            self._guardian.stdin.close()

    def _passed_on(self) -> str:
        """What the guardian of a child that has ended wrote to standard error."""
        if self._guardian is None or self._guardian.stderr is None or self._guardian.stderr.closed:
            return ""
        return self._guardian.stderr.read().decode(errors="replace").strip()

    def _close(self) -> None:
        """Close our ends of the guardian's pipes."""
        assert self._guardian is not None
        for pipe in (self._guardian.stdin, self._guardian.stdout, self._guardian.stderr):
            if pipe is not None:
                pipe.close()
