"""A Mosquitto for one test alone, from the Debian root of `make services`, with the configuration we ship."""

import shutil
import subprocess
from pathlib import Path

from cli.embedded import GuardedProcess
from cli.embedded.nats import mqtt_answers
from cli.embedded.ports import LOOPBACK
from cli.embedded.service import EmbeddedService, new_password
from tests.support.services import DEBIAN_ROOT, MOSQUITTO_CONF, PROJECT

_IN_ROOT = PROJECT / "deploy" / "services" / "in-root.sh"


class PrivateMosquitto(EmbeddedService):
    """The real broker. With `data_dir` its store stays, for a test that starts it again."""

    name = "Mosquitto of this test"
    user = "parking"

    def __init__(self, data_dir: Path | None = None, port: int | None = None) -> None:
        super().__init__(data_dir, port)
        self._password = new_password()

    @property
    def url(self) -> str:
        """The address with user and password."""
        return f"mqtt://{self.user}:{self._password}@{LOOPBACK}:{self.port}"

    def _prepare(self, private: Path) -> GuardedProcess:
        home = self._data_dir or private / "mosquitto"
        (home / "config" / "conf.d").mkdir(parents=True, exist_ok=True)
        (home / "data").mkdir(exist_ok=True)
        shutil.copy(MOSQUITTO_CONF, home / "config")
        listener = home / "config" / "conf.d" / "listener.conf"
        listener.write_text(f"listener {self.port} {LOOPBACK}\n")
        passwords = home / "data" / "passwords"
        passwords.write_text(f"{self.user}:{self._password}\n")
        passwords.chmod(0o600)
        self._in_root(home, "root", "mosquitto_passwd", "-U", "/mosquitto/data/passwords")
        self._in_root(home, "root", "chown", "-R", "mosquitto:mosquitto", "/mosquitto/data")
        return GuardedProcess(
            self._command(home, "mosquitto", "mosquitto", "-c", "/mosquitto/config/mosquitto.conf"),
            log=private / "mosquitto.log",
            remove=(private,),
        )

    def _in_root(self, home: Path, user: str, *command: str) -> None:
        subprocess.run(self._command(home, user, *command), check=True, capture_output=True)

    def _command(self, home: Path, user: str, *command: str) -> list[str | Path]:
        # Each step execs the next, so the guardian's child is the broker itself.
        namespace = ["unshare", "--mount", "--propagation", "private"]
        mounts = ["env", "IN_PRIVATE_MOUNTS=1", f"MOSQUITTO_HOME={home}"]
        return [*namespace, *mounts, _IN_ROOT, DEBIAN_ROOT, user, *command]

    async def _answers(self) -> bool:
        return await mqtt_answers(self.url)
