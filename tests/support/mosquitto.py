"""A Mosquitto for one test alone, from the Debian root of `make services`, with the configuration we ship."""

import re
import secrets
import shutil
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

from cli.embedded import GuardedProcess
from cli.embedded.nats import mqtt_answers
from cli.embedded.ports import LOOPBACK
from cli.embedded.service import EmbeddedService, new_password
from tests.support.polling import until
from tests.support.services import DEBIAN_ROOT, MOSQUITTO_CONF, PROJECT

_IN_ROOT = PROJECT / "deploy" / "services" / "in-root.sh"


class PrivateMosquitto(EmbeddedService):
    """The real broker. Its store outlives `stop()`, for a test that starts it again, but not the context."""

    name = "Mosquitto of this test"
    user = "parking"

    def __init__(self, settings: Mapping[str, str] | None = None) -> None:
        """With `settings` in place of the shipped ones of the same names."""
        super().__init__()
        self._settings = dict(settings or {})
        self._password = new_password()
        self._inside = f"/mosquitto-of-tests/{secrets.token_hex(8)}"
        self._home = DEBIAN_ROOT / self._inside[1:]

    @property
    def url(self) -> str:
        """The address with user and password."""
        return f"mqtt://{self.user}:{self._password}@{LOOPBACK}:{self.port}"

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await super().__aexit__(kind, error, trace)
        shutil.rmtree(self._home)

    async def kill(self) -> None:
        """SIGKILL it: what it had not saved is lost."""
        self.process.send_signal(signal.SIGKILL)
        await self.stop()

    @property
    def store(self) -> Path:
        """The folder of what it keeps on disk."""
        return self._home / "data"

    async def save(self) -> None:
        """Have it write its store to disk, as it does by itself from time to time; wait until it has."""
        written = self.store / "mosquitto.db"
        written.unlink(missing_ok=True)
        self.process.send_signal(signal.SIGUSR1)
        await until(written.exists, what="Mosquitto has saved its store")

    def _prepare(self, private: Path) -> GuardedProcess:
        data, fragments = self._home / "data", self._home / "config" / "conf.d"
        data.mkdir(parents=True, exist_ok=True)
        fragments.mkdir(parents=True, exist_ok=True)
        # The shipped file as it is, but for the folder that it names.
        config = MOSQUITTO_CONF.read_text().replace(" /mosquitto/", f" {self._inside}/")
        for name, value in self._settings.items():
            config, found = re.subn(rf"(?m)^{name} .*$", f"{name} {value}", config)
            assert found == 1, f"{name} is set once in {MOSQUITTO_CONF}"
        (self._home / "config" / "mosquitto.conf").write_text(config)
        (fragments / "listener.conf").write_text(f"listener {self.port} {LOOPBACK}\n")
        passwords = data / "passwords"
        passwords.touch(mode=0o600)
        passwords.write_text(f"{self.user}:{self._password}\n")
        self._in_root("root", "mosquitto_passwd", "-U", f"{self._inside}/data/passwords")
        self._in_root("root", "chown", "-R", "mosquitto:mosquitto", f"{self._inside}/data")
        return GuardedProcess(
            self._command("mosquitto", "mosquitto", "-c", f"{self._inside}/config/mosquitto.conf"),
            log=private / "mosquitto.log",
            remove=(private,),
        )

    def _in_root(self, user: str, *command: str) -> None:
        subprocess.run(self._command(user, *command), check=True, capture_output=True)

    def _command(self, user: str, *command: str) -> list[str | Path]:
        # Each step execs the next, so the guardian's child is the broker itself.
        return [_IN_ROOT, DEBIAN_ROOT, user, *command]

    async def _answers(self) -> bool:
        return await mqtt_answers(self.url)
