"""Stopping and killing whole families of processes that we started, and how much memory one takes."""

import os
import signal
import subprocess
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


def family(pid: int) -> list[int]:
    """A process and all that descend from it, parents first: PostgreSQL's are groups of their own."""
    children: dict[int, list[int]] = defaultdict(list)
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError):
                # Behind the name, which may hold anything: the state, then the parent.
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
                children[parent].append(int(entry.name))
    found = [pid]
    for member in found:
        found += children[member]
    return found


def kill_family(pid: int) -> None:
    """SIGKILL a process and all that descend from it, as if the machine had lost power."""
    for member in _stop_all(pid):
        _send(member, signal.SIGKILL)


@contextmanager
def suspended(pid: int) -> Iterator[None]:
    """While open, a process and its descendants stand still. They go on afterwards even if we are killed."""
    stopped = _stop_all(pid)
    # The pipe closes when this block or this process ends, however it does.
    command = ["sh", "-c", 'cat >/dev/null; kill -CONT "$@"', "sh", *map(str, stopped)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True):
        yield


def resident_mb(pid: int) -> float:
    """The memory of a process that is in use now, in megabytes."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise AssertionError(f"process {pid} has ended")


def _stop_all(pid: int) -> list[int]:
    """Send SIGSTOP, parents first, until nobody is left who could have had another child meanwhile."""
    stopped: list[int] = []
    while fresh := [member for member in family(pid) if member not in stopped]:
        for member in fresh:
            _send(member, signal.SIGSTOP)
        stopped += fresh
    return stopped


def _send(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)
