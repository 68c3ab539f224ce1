"""What processes use, out of /proc: processor seconds and memory. Without /proc nothing is known."""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")
_LISTENING = "0A"
_CLIENT_BACKEND = re.compile(r"postgres: .*\(\d+\) ")


@dataclass(frozen=True, slots=True)
class Meter:
    """The processes of one system by pid, None where unknown.

    Of the server's backends those of `database` count, but not `own_backend`, by which the benchmark looks.
    """

    ingestor: int | None
    broker: int | None
    postmaster: int | None
    database: str
    own_backend: int = 0
    api: int | None = None

    def read(self) -> dict[str, float]:
        """Processor seconds used so far by each part that can be seen."""
        parts = {"ingestor": self.ingestor, "broker": self.broker, "api": self.api}
        used = {name: cpu_s(pid) for name, pid in parts.items() if pid is not None}
        if self.postmaster is not None:
            processes = set(_database_processes(self.postmaster, self.database)) - {self.own_backend}
            used["database"] = sum(map(cpu_s, processes))
        return used


def cpu_s(pid: int) -> float:
    """Processor seconds of a process so far; 0 once it is gone."""
    try:
        fields = (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory_mb(pid: int) -> tuple[float, float] | None:
    """Resident memory now and at its highest, in MB (10^6 bytes); None where it cannot be seen."""
    try:
        status = (_PROC / str(pid) / "status").read_text()
    except OSError:
        return None
    sizes = {name: int(kb) * 1024 / 1e6 for name, kb in re.findall(r"(VmRSS|VmHWM):\s+(\d+) kB", status)}
    return sizes["VmRSS"], sizes["VmHWM"]


def listening_pid(port: int) -> int | None:
    """The process that listens on a TCP port of this machine, None if that cannot be seen."""
    sockets = {f"socket:[{inode}]" for inode in _listening_inodes(port)}
    if not sockets:
        return None
    pids = sorted(int(entry.name) for entry in _PROC.iterdir() if entry.name.isdecimal())
    return next((pid for pid in pids if sockets & _open_files(pid)), None)


def _listening_inodes(port: int) -> Iterator[str]:
    for table in ("tcp", "tcp6"):
        try:
            lines = (_PROC / "net" / table).read_text().splitlines()[1:]
        except OSError:
            continue
        for fields in map(str.split, lines):
            if fields[3] == _LISTENING and int(fields[1].rpartition(":")[2], 16) == port:
                yield fields[9]


def _open_files(pid: int) -> set[str]:
    found = set()
    try:
        for entry in (_PROC / str(pid) / "fd").iterdir():
            found.add(os.readlink(entry))
    except OSError:
        pass
    return found


def _database_processes(postmaster: int, database: str) -> Iterator[int]:
    """The server's own processes, and the backends of one database."""
    yield postmaster
    for pid in (_PROC / str(postmaster) / "task" / str(postmaster) / "children").read_text().split():
        try:
            title = (_PROC / pid / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if not _CLIENT_BACKEND.match(title) or f" {database} " in title:
            yield int(pid)
