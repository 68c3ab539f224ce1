"""The MQTT message that brings a downlink to its device, by the way that the device is reached."""

import re
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from firmware_protocol import topics
from ingest.downlinks.base import Downlink
from parking.errors import DownlinkError

_LEVEL: Final = re.compile(r"[A-Za-z0-9._@-]{1,64}")
_EUI: Final = re.compile(r"[0-9A-Fa-f]{16}")


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message to publish; `binary` if its payload is no JSON."""

    topic: str
    payload: bytes
    binary: bool = False


def ours(downlinks: Sequence[Downlink], *, site: str, device: str) -> list[Delivery]:
    """For a device on our own topics: the bytes alone, so the port is lost."""
    try:
        topic = topics.bay_down(site, device)
    except topics.TopicError as error:
        raise DownlinkError(f"The topic cannot be {error}") from error
    return [Delivery(topic, downlink.payload, binary=True) for downlink in downlinks]


def things_stack(
    downlinks: Sequence[Downlink], *, application: str, tenant: str, device: str, confirmed: bool
) -> list[Delivery]:
    """For The Things Stack v3: all behind what already waits. `device` is its id there."""
    for name, value in (("application", application), ("tenant", tenant), ("device", device)):
        _check_level(name, value)
    messages: list[dict[str, Any]] = []
    for downlink in downlinks:
        message: dict[str, Any] = {
            "f_port": downlink.port,
            "frm_payload": b64encode(downlink.payload).decode(),
            "priority": "NORMAL",
        }
        messages.append(message | ({"confirmed": True} if confirmed else {}))
    topic = f"v3/{application}@{tenant}/devices/{device}/down/push"
    return [Delivery(topic, msgspec.json.encode({"downlinks": messages}))]


def chirpstack(
    downlinks: Sequence[Downlink], *, application: str, device: str, confirmed: bool
) -> list[Delivery]:
    """For ChirpStack v4: a message for each. `device` is its EUI."""
    _check_level("application", application)
    if not _EUI.fullmatch(device):
        raise DownlinkError(f"device is {device!a}, not the 16 hexadecimal digits of an EUI")
    eui = device.lower()
    return [
        Delivery(
            f"application/{application}/device/{eui}/command/down",
            msgspec.json.encode(
                {
                    "devEui": eui,
                    "confirmed": confirmed,
                    "fPort": downlink.port,
                    "data": b64encode(downlink.payload).decode(),
                }
            ),
        )
        for downlink in downlinks
    ]


def _check_level(name: str, value: str) -> None:
    if not _LEVEL.fullmatch(value):
        raise DownlinkError(f"{name} is {value!a}, not 1 to 64 of A-Z a-z 0-9 . _ @ -")
