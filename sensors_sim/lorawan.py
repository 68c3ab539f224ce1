"""LoRaWAN uplinks as The Things Stack v3 and ChirpStack v4 publish them, and the sensors' payloads.

Shapes as in the two servers' documentation; all values are ours. An uplink's content is fixed when the
network hears it, however late the broker gets it.
"""

from base64 import b64encode
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any
from uuid import UUID

import msgspec

TTS_APPLICATION = "town-parking"
TTS_TENANT = "town"
CHIRPSTACK_APPLICATION = "3f1c0a52-7d0e-4c7a-9a55-5d1c6a3b9e10"
_CHIRPSTACK_TENANT = "0b8e7c1e-6a53-4a0b-8f6e-2f6d5b1f7c44"
_CHIRPSTACK_PROFILE = "9e2d4a6c-1b7f-4f39-8a0d-6c5e3b2a1f08"
_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_CHANNELS_HZ = (868_100_000, 868_300_000, 868_500_000, 867_100_000, 867_300_000)
BOSCH_CHANGE, BOSCH_HEARTBEAT, BOSCH_STARTUP = 1, 2, 3
_BOSCH_FIRMWARE = bytes((0, 39, 2))
_BOSCH_POWER_ON = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Uplink:
    """One uplink.

    `heard_at` is the network server's time of reception, Unix seconds; `session` stands for the device's
    session.
    """

    eui: str
    session: bytes
    f_cnt: int
    f_port: int
    payload: bytes
    heard_at: float

    @property
    def session_key_id(self) -> str:
        """The Things Stack's name of the session."""
        return b64encode(self.session).decode()

    @property
    def dev_addr(self) -> str:
        """The device's address in the session, 8 hex digits, of a private network (type 0, id 0 or 1)."""
        return f"{int.from_bytes(self.session[:4]) & 0x03FFFFFF:08x}"


def session_of(*parts: object) -> bytes:
    """16 bytes that name the session of these parts (seed, run, device, start)."""
    return blake2b(":".join(map(str, parts)).encode(), digest_size=16).digest()


def bosch_payload(kind: int, occupied: bool, temperature_c: int) -> bytes:
    """TPS110 (firmware 0.39): the payload of port `kind`."""
    if kind == BOSCH_STARTUP:
        return bytes(12) + _BOSCH_FIRMWARE + bytes((_BOSCH_POWER_ON, occupied))
    if kind == BOSCH_HEARTBEAT:
        return bytes((occupied, temperature_c & 0xFF))
    return bytes((occupied,))


def placepod_payload(*, occupied: bool, heartbeat: bool, boot: bool, battery_v: float, temp_c: int) -> bytes:
    """PlacePod: Cayenne records; heartbeats carry the keep-alive channel, battery and temperature."""
    status = bytes((0x37 if heartbeat else 0x15, 0x66, occupied))
    health = bytes((3, 2)) + round(battery_v * 100).to_bytes(2)
    health += bytes((2, 0x67)) + (temp_c * 10).to_bytes(2, signed=True)
    if boot:
        return health + status + bytes((0x21, 0x00, 0x80))
    return health + status if heartbeat else status


def tts_topic(eui: str) -> str:
    """Where The Things Stack publishes a device's uplinks."""
    return f"v3/{TTS_APPLICATION}@{TTS_TENANT}/devices/eui-{eui}/up"


def chirpstack_topic(eui: str) -> str:
    """Where ChirpStack publishes a device's uplinks."""
    return f"application/{CHIRPSTACK_APPLICATION}/device/{eui}/event/up"


def tts_message(uplink: Uplink) -> bytes:
    """The body of The Things Stack's message. As there, fields that are zero are left out."""
    chance = _chance(uplink)
    on_air = uplink.heard_at - 0.1
    heard = _rfc3339(on_air) + "Z"
    frequency = _CHANNELS_HZ[chance[0] % 5]
    received: dict[str, Any] = {
        "gateway_ids": {"gateway_id": "town-hall-roof", "eui": "70B3D57ED0FFFF01"},
        "time": heard,
        "timestamp": int(on_air * 1e6) & 0xFFFFFFFF,
        "rssi": -60 - chance[1] % 55,
        "channel_rssi": -60 - chance[1] % 55,
        "snr": round(10.5 - chance[2] % 18, 1),
        "uplink_token": b64encode(chance).decode(),
        "received_at": heard,
    }
    message: dict[str, Any] = {"session_key_id": uplink.session_key_id, "f_port": uplink.f_port}
    if uplink.f_cnt:
        message["f_cnt"] = uplink.f_cnt
    message |= {
        "frm_payload": b64encode(uplink.payload).decode(),
        "rx_metadata": [received],
        "settings": {
            "data_rate": {
                "lora": {"bandwidth": 125_000, "spreading_factor": 9, "coding_rate": "4/5"},
            },
            "frequency": str(frequency),
            "timestamp": received["timestamp"],
            "time": heard,
        },
        "received_at": _rfc3339(on_air + 0.02) + "Z",
        "consumed_airtime": "0.164864s",
        "network_ids": {
            "net_id": "000000",
            "ns_id": "EC656E0000000100",
            "tenant_id": TTS_TENANT,
            "cluster_id": "eu1",
            "cluster_address": "eu1.example.net",
        },
    }
    body = {
        "end_device_ids": {
            "device_id": f"eui-{uplink.eui}",
            "application_ids": {"application_id": TTS_APPLICATION},
            "dev_eui": uplink.eui.upper(),
            "join_eui": "70B3D57ED0000000",
            "dev_addr": uplink.dev_addr.upper(),
        },
        "correlation_ids": [f"as:up:{_ulid(uplink.heard_at, chance)}"],
        "received_at": _rfc3339(uplink.heard_at) + "Z",
        "uplink_message": message,
    }
    return msgspec.json.encode(body)


def chirpstack_message(uplink: Uplink) -> bytes:
    """The body of ChirpStack's message (since 4.1, fields that are zero are there)."""
    chance = _chance(uplink)
    heard = _rfc3339(uplink.heard_at) + "+00:00"
    body = {
        "deduplicationId": str(UUID(bytes=chance, version=4)),
        "time": heard,
        "deviceInfo": {
            "tenantId": _CHIRPSTACK_TENANT,
            "tenantName": "Town council",
            "applicationId": CHIRPSTACK_APPLICATION,
            "applicationName": "Parking",
            "deviceProfileId": _CHIRPSTACK_PROFILE,
            "deviceProfileName": "PNI PlacePod",
            "deviceName": f"PlacePod {uplink.eui[-6:]}",
            "devEui": uplink.eui,
            "deviceClassEnabled": "CLASS_A",
            "tags": {},
        },
        "devAddr": uplink.dev_addr,
        "adr": True,
        "dr": 3,
        "fCnt": uplink.f_cnt,
        "fPort": uplink.f_port,
        "confirmed": False,
        "data": b64encode(uplink.payload).decode(),
        "rxInfo": [
            {
                "gatewayId": "70b3d57ed0ffff02",
                "uplinkId": int.from_bytes(chance[4:8]),
                "nsTime": heard,
                "rssi": -60 - chance[1] % 55,
                "snr": round(10.5 - chance[2] % 18, 1),
                "channel": chance[0] % 5,
                "rfChain": 1,
                "location": {},
                "context": b64encode(chance[8:12]).decode(),
                "metadata": {"region_common_name": "EU868", "region_config_id": "eu868"},
                "crcStatus": "CRC_OK",
            }
        ],
        "txInfo": {
            "frequency": _CHANNELS_HZ[chance[0] % 5],
            "modulation": {"lora": {"bandwidth": 125_000, "spreadingFactor": 9, "codeRate": "CR_4_5"}},
        },
    }
    return msgspec.json.encode(body)


def _chance(uplink: Uplink) -> bytes:
    """16 bytes that look random and are always the same for the same uplink."""
    return session_of(uplink.session.hex(), uplink.f_cnt)


def _rfc3339(unix_s: float) -> str:
    return datetime.fromtimestamp(unix_s, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")


def _ulid(unix_s: float, chance: bytes) -> str:
    number = int(unix_s * 1000) << 80 | int.from_bytes(chance[:10])
    return "".join(_CROCKFORD[number >> 5 * place & 31] for place in range(25, -1, -1))
