"""Tries a configuration: runs Mosquitto on it for a moment, on other ports and without its store."""

import re
import shutil
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from selectors import EVENT_READ, DefaultSelector
from typing import Final

from cli.embedded.ports import LOOPBACK, choose_port
from cli.private_files import replace_private
from parking.errors import AccessError

TRIAL: Final = "trial.conf"
PATIENCE_S: Final = 20.0
_RUNNING: Final = re.compile(r"mosquitto version \S+ running")
_HARMLESS: Final = re.compile(
    r"version|Config loaded|Opening|Saving|terminating|running|warning", re.IGNORECASE
)


def find_mosquitto() -> list[str] | None:
    """The command of the broker on this machine, if there is one."""
    found = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")
    return [found] if found else None


def try_out(config: str, *, command: Sequence[str], folder: Path, inside: PurePosixPath) -> None:
    """Start the broker and end it. `inside` is the folder as the broker sees it. Raises AccessError."""
    trial = folder / TRIAL
    replace_private(trial, _elsewhere(config))
    try:
        with subprocess.Popen(
            [*command, "-c", str(inside / TRIAL)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        ) as broker:
            try:
                said = _listen(broker)
            finally:
                # SIGTERM in the moment after it says that it runs is lost on it; it has no store to save.
                broker.kill()
    except OSError as error:
        raise AccessError(f"{command[0]} cannot be started: {error.strerror}") from error
    finally:
        trial.unlink(missing_ok=True)
    if not _RUNNING.search(said):
        words = [line.partition(": ")[2] or line for line in said.splitlines()]
        told = "; ".join(word for word in words if word and not _HARMLESS.search(word)) or "it says nothing"
        raise AccessError(f"Mosquitto does not take the configuration: {told}")


def _elsewhere(config: str) -> str:
    """The same configuration beside a broker that runs."""
    lines = [line for line in config.splitlines() if not re.match(r"(persistence|log_|pid_file)", line)]
    moved = [
        f"listener {choose_port()} {LOOPBACK}" if line.startswith("listener ") else line for line in lines
    ]
    return "\n".join(["persistence false", "log_dest stderr", "log_type all", *moved]) + "\n"


def _listen(broker: "subprocess.Popen[bytes]") -> str:
    """What it says until it runs, ends, or has had its time."""
    assert broker.stderr is not None
    said, deadline = b"", time.monotonic() + PATIENCE_S
    with DefaultSelector() as selector:
        selector.register(broker.stderr, EVENT_READ)
        while (left := deadline - time.monotonic()) > 0 and selector.select(left):
            # Unbuffered: what is there, or nothing at the end.
            if not (more := broker.stderr.read1(65536)):  # type: ignore[attr-defined]
                break
            said += more
            if _RUNNING.search(said.decode("utf-8", "replace")):
                break
    return said.decode("utf-8", "replace")
