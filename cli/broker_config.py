"""The text of a Mosquitto configuration: the shipped one, with listeners, access and limits of this place."""

import re
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import ip_address
from pathlib import Path, PurePosixPath
from typing import Final

from cli.broker_folder import PASSWORDS, RULES
from parking.errors import AccessError

BASE: Final = Path(__file__).resolve().parents[1] / "deploy" / "mosquitto" / "mosquitto.conf"
MARK: Final = "# Made by `parking broker config`."
CERTIFICATE: Final = "server.pem"
KEY: Final = "server.key"
CLIENT_AUTHORITY: Final = "clients.pem"

_REPLACED: Final = re.compile(
    r"(password_file|acl_file|persistence_location|max_packet_size|max_keepalive|include_dir|listener)\s.*"
)
"""Settings of the shipped file that this place answers for itself."""


class Guard(StrEnum):
    """What keeps strangers from the listener of our own services."""

    LOOPBACK = "loopback"
    CERTIFICATES = "certificates"
    CLOSED_NETWORK = "closed-network"


@dataclass(frozen=True, slots=True)
class Address:
    """Where a listener listens."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.port} {self.host}"

    @property
    def loopback(self) -> bool:
        """Whether only this machine can reach it."""
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a configuration is to say. Paths are as the broker sees them."""

    street: Address
    services: Address
    guard: Guard
    folder: PurePosixPath
    data: PurePosixPath
    max_connections: int
    max_packet_size: int
    max_keepalive_s: int


def address(text: str, field: str) -> Address:
    """HOST:PORT, with an IPv6 host in brackets. Raises AccessError."""
    host, _, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not re.fullmatch(r"[A-Za-z0-9.:_-]+", host) or not port.isdecimal() or not 1 <= int(port) <= 65535:
        raise AccessError(f"{field}: must be HOST:PORT such as 0.0.0.0:8883 (found {text!r:.80})")
    return Address(host, int(port))


def guard_of(services: Address, asked: Guard | None) -> Guard:
    """What guards the services' listener. Raises AccessError where nothing would."""
    if services.loopback:
        return asked or Guard.LOOPBACK
    if asked in (None, Guard.LOOPBACK):
        raise AccessError(
            f"services: {services.host} can be reached from elsewhere, and whoever has any credential could "
            "take the ingestor's session there",
            hint="Listen on 127.0.0.1; or give --guard certificates, so that only our own machines get in; "
            "or --guard closed-network, if none but our own containers can reach it.",
        )
    return asked


def render(plan: Plan, base: str) -> str:
    """The whole file. Raises AccessError."""
    if plan.street.port == plan.services.port:
        raise AccessError(f"street, services: need different ports (found {plan.street.port} for both)")
    kept = "\n".join(line for line in base.splitlines() if not _REPLACED.fullmatch(line))
    return f"{MARK} Changes by hand are lost.\n\n{kept.rstrip()}\n{_added(plan)}"


def _added(plan: Plan) -> str:
    folder = plan.folder
    services_tls = ""
    if plan.guard is Guard.CERTIFICATES:
        services_tls = _tls(folder) + f"cafile {folder / CLIENT_AUTHORITY}\nrequire_certificate true\n"
    return f"""
# --- This place --------------------------------------------------------------------------------------
persistence_location {plan.data}/
password_file {folder / PASSWORDS}
acl_file {folder / RULES}
max_packet_size {plan.max_packet_size}
# Who asks for a longer one by MQTT 5 is told this one, by MQTT 3.1.1 is refused: a dead connection ends.
max_keepalive {plan.max_keepalive_s}

# The street. The client id is the user name whatever the client says, so that nobody takes the session of
# another, and a user has one connection.
listener {plan.street}
{_tls(folder)}use_username_as_clientid true
max_qos 1
max_connections {plan.max_connections}

# Our own services, which name their sessions themselves. Guarded by: {plan.guard}.
listener {plan.services}
{services_tls}"""


def _tls(folder: PurePosixPath) -> str:
    return f"certfile {folder / CERTIFICATE}\nkeyfile {folder / KEY}\ntls_version tlsv1.2\n"
