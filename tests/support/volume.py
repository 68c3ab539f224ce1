"""A file system of limited size that goes with the process that holds it, so that nothing stays mounted."""

import os
import subprocess
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Self

from cli.embedded import GuardedProcess
from tests.support.polling import until

PRIVATE_MOUNTS = ("unshare", "--mount", "--propagation", "private")
_MOUNT = 'mount -t tmpfs -o size="$1"m,mode=0755 tmpfs "$2" && exec sleep infinity'
_BLOCK = bytes(1 << 16)


@cache
def can_mount() -> bool:
    """Whether this machine lets us mount in a namespace of our own: root, outside a strict container."""
    probe = [*PRIVATE_MOUNTS, "mount", "-t", "tmpfs", "tmpfs", "/mnt"]
    return os.geteuid() == 0 and subprocess.run(probe, capture_output=True).returncode == 0


class Volume:
    """A tmpfs over `folder`, seen only by programs started with `enter` and, through `path`, by us."""

    def __init__(self, folder: Path, *, megabytes: int, log: Path) -> None:
        self._folder = folder
        self._holder = GuardedProcess(
            [*PRIVATE_MOUNTS, "sh", "-c", _MOUNT, "sh", str(megabytes), folder], log=log
        )

    async def __aenter__(self) -> Self:
        self._folder.mkdir(parents=True)
        self._holder.start()
        await until(lambda: os.path.ismount(self.path), what=lambda: f"mounted: {self._holder.tail()}")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._holder.stop()
        self._folder.rmdir()

    @property
    def path(self) -> Path:
        """The volume as this process reaches it."""
        return Path(f"/proc/{self._holder.pid}/root{self._folder}")

    @property
    def enter(self) -> tuple[str, ...]:
        """What to put before a command that is to see the volume in its place."""
        return ("nsenter", f"--mount=/proc/{self._holder.pid}/ns/mnt")

    def fill(self) -> None:
        """Take all the space that is left, to the last block."""
        with (self.path / "ballast").open("ab", buffering=0) as ballast:
            for block in (_BLOCK, _BLOCK[:4096], _BLOCK[:1]):
                try:
                    while ballast.write(block):
                        pass
                except OSError:  # no space left for a block of this size
                    continue

    def free(self) -> None:
        """Give that space back."""
        (self.path / "ballast").unlink()
