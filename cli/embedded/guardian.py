"""Run one program for as long as the pipe on standard input stays open, then end it and clean up after it.

Started as a script by `cli.embedded.process`, standard library only. A kernel closes the pipe of a process
however it ends, so the program and its files go even when whoever needed them was killed with SIGKILL.
"""

import json
import os
import select
import shutil
import signal
import subprocess
import sys
from typing import Any

_STOP_REQUESTS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
_LAST_WORDS_BYTES = 8192


def main() -> int:
    """Run what the JSON argument describes; return its exit code, or 128 + the signal that ended it."""
    spec: dict[str, Any] = json.loads(sys.argv[1])
    wakeup, stop_requests = _watch_signals()
    with open(spec["log"], "ab", opener=_private) as log:
        child = subprocess.Popen(
            spec["argv"],
            cwd=spec["cwd"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            **_identity(spec["uid"], spec["gid"]),
        )
    print(child.pid, flush=True)
    if _wait(child, wakeup, stop_requests):
        _end(child, spec["stop"])
    else:
        _pass_on_last_words(spec["log"])
    for folder in spec["remove"]:
        shutil.rmtree(folder, ignore_errors=True)
    return child.returncode if child.returncode >= 0 else 128 - child.returncode


def _watch_signals() -> tuple[int, list[int]]:
    """Make every signal of interest readable on a pipe; the list fills with the requests to stop."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    requests: list[int] = []
    for number in _STOP_REQUESTS:
        signal.signal(number, lambda received, _frame: requests.append(received))
    signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
    return reader, requests


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _identity(uid: int | None, gid: int | None) -> dict[str, Any]:
    return {} if uid is None else {"user": uid, "group": gid, "extra_groups": []}


def _wait(child: subprocess.Popen[bytes], wakeup: int, stop_requests: list[int]) -> bool:
    """Return True when the pipe has closed or a signal asks to stop, False when the child has ended."""
    while child.poll() is None and not stop_requests:
        readable, _, _ = select.select([sys.stdin.buffer, wakeup], [], [])
        if wakeup in readable:
            os.read(wakeup, 4096)
        elif not os.read(sys.stdin.fileno(), 4096):
            return True
    return child.returncode is None


def _pass_on_last_words(log: str) -> None:
    """Copy the end of the log to standard error: the log itself may be about to go with its folder."""
    with open(log, "rb") as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - _LAST_WORDS_BYTES))
        # A pipe takes this much without a reader.
        os.write(sys.stderr.fileno(), file.read())


def _end(child: subprocess.Popen[bytes], stop: list[list[float]]) -> None:
    """Send each (signal, seconds to wait) in turn until the child has gone; at last SIGKILL its session."""
    for number, patience_s in stop:
        if child.poll() is not None:
            return
        child.send_signal(int(number))
        try:
            child.wait(patience_s)
        except subprocess.TimeoutExpired:
            continue
    if child.poll() is None:
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()


if __name__ == "__main__":
    sys.exit(main())
