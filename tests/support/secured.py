"""A Mosquitto with the configuration that `parking broker config` writes, and its credentials."""

import json
import subprocess
from pathlib import Path
from urllib.parse import quote

from cli.embedded import GuardedProcess
from cli.embedded.ports import LOOPBACK, choose_port, is_free
from tests.support.mosquitto import PrivateMosquitto
from tests.support.processes import PARKING, clean_environment


class SecuredMosquitto(PrivateMosquitto):
    """The services' listener is at `port`, the street at `street`; `authority` signed its certificate."""

    name = "secured Mosquitto of this test"

    def __init__(self, authority: Path, *options: str) -> None:
        super().__init__()
        self.authority = authority
        self.options = options
        self.street = 0
        self.folder = self._home / "broker"
        self.passwords: dict[str, str] = {}

    @property
    def env(self) -> dict[str, str]:
        """What `parking` needs to know to manage it."""
        known = {"PARKING_BROKER_FOLDER": str(self.folder)}
        if "process" in self.__dict__ and self.process.returncode is None:
            known["PARKING_BROKER_RELOAD"] = f"kill -HUP {self.process.pid}"
        return known

    @property
    def ca(self) -> Path:
        """What its clients trust."""
        return self.authority / "ca.pem"

    def parking(self, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
        """Run `parking ...` for this broker to its end."""
        done = subprocess.run(
            [PARKING, *arguments],
            env=clean_environment(self.env | env),
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert "Traceback" not in done.stderr, done.stderr
        return done

    def done(self, *arguments: str) -> str:
        """The same; it must succeed. Its output."""
        ran = self.parking(*arguments)
        assert ran.returncode == 0, ran.stderr
        return ran.stdout

    def create(self, *arguments: str) -> str:
        """Create one credential; its user name."""
        (made,) = json.loads(self.done("credentials", "create", *arguments, "--json"))
        self.passwords[made["user"]] = made["password"]
        return str(made["user"])

    def url_of(self, user: str, *, street: bool = True, scheme: str = "") -> str:
        """The address for this user: on the street, or at the services' listener."""
        scheme = scheme or ("mqtts" if street else "mqtt")
        port = self.street if street else self.port
        return f"{scheme}://{quote(user, safe='')}:{self.passwords[user]}@{LOOPBACK}:{port}"

    def configure(self, *options: str) -> subprocess.CompletedProcess[str]:
        """Run `parking broker config` as it was at first, with further options."""
        shown = [self._command("root", "id", f"-{kind}", "mosquitto") for kind in "ug"]
        owner = ":".join(subprocess.check_output(command, text=True).strip() for command in shown)
        return self.parking(
            *("broker", "config", "--owner", owner),
            *("--inside", f"{self._inside}/broker", "--data", f"{self._inside}/data"),
            *("--street", f"{LOOPBACK}:{self.street}", "--services", f"{LOOPBACK}:{self.port}"),
            *("--mosquitto", " ".join(map(str, self._command("mosquitto", "mosquitto")))),
            *self.options,
            *options,
        )

    def _prepare(self, private: Path) -> GuardedProcess:
        if not self.street:
            self._set_up()
        return GuardedProcess(
            self._command("mosquitto", "mosquitto", "-c", f"{self._inside}/broker/mosquitto.conf"),
            log=private / "mosquitto.log",
            remove=(private,),
        )

    def _set_up(self) -> None:
        (self._home / "data").mkdir(parents=True)
        self._in_root("root", "chown", "mosquitto:mosquitto", f"{self._inside}/data")
        self.street = choose_port()
        self.done("broker", "authority", str(self.authority), "--host", LOOPBACK)
        pair = [str(self.authority / f"server.{kind}") for kind in ("pem", "key")]
        made = self.configure("--certificate", pair[0], "--key", pair[1])
        assert made.returncode == 0, made.stderr

    async def _answers(self) -> bool:
        return not is_free(self.port) and not is_free(self.street)
