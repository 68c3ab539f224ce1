"""The device keys in use: read at the start, and again whenever their file changes."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import structlog

from ingest.authentic import NO_KEYS, Verifier
from ingest.metrics import Metrics
from parking.device_keys import load_device_keys
from parking.errors import DeviceKeyError

log = structlog.get_logger()

LOOK_S = 2.0


class Keyring:
    """Holds the verifier of the keys in the file. Raises DeviceKeyError at the start if they cannot be used.

    Later a file that cannot be used changes nothing: the keys that were read last stay good.
    """

    def __init__(self, path: Path | None, metrics: Metrics) -> None:
        self._path = path
        self._metrics = metrics
        self._mark = self._look()
        self.verifier = NO_KEYS
        if path is not None:
            self._use(Verifier(load_device_keys(path)))

    async def run(self, changed: Callable[[], None]) -> None:
        """Look for changes for as long as the task lives, and call `changed` after each."""
        while self._path is not None:
            await asyncio.sleep(LOOK_S)
            mark = self._look()
            if mark == self._mark:
                continue
            self._mark = mark
            try:
                verifier = Verifier(await asyncio.to_thread(load_device_keys, self._path))
            except DeviceKeyError as error:
                log.error(
                    "the device keys cannot be read again: those read before stay in use",
                    error=error.message,
                    hint=error.hint,
                )
                continue
            self._use(verifier)
            log.info("device keys", devices=len(verifier))
            changed()

    def _use(self, verifier: Verifier) -> None:
        self.verifier = verifier
        self._metrics.device_keys.set(len(verifier))

    def _look(self) -> tuple[int, ...] | None:
        """What changes when the file does; None without it."""
        try:
            found = self._path.stat() if self._path else None
        except OSError:
            return None
        return (found.st_ino, found.st_mtime_ns, found.st_size, found.st_mode) if found else None
