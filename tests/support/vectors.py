"""The real and published messages of the shared folder, and what they say in our words.

Their texts stay there: nothing of them is copied into the project.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

Row = dict[str, Any]

CODECS = {
    ("Bosch", "TPS110"): "bosch-tps110",
    ("PNI", "PlacePod"): "pni-placepod",
    ("Nwave", "NPS"): "nwave-nps405",
    ("Libelium", "Smart Parking"): "libelium-smart-parking",
    ("Dingtek", "DO20"): "dingtek-do20x",
    ("Netvox", "R719A"): "netvox-r719a",
    ("Tekzitel", "TEKZIPARK"): "tekzitel-tekzipark",
}
"""By vendor and the beginning of the model. A vehicle counter and a sensor without a decoder are not here."""

TOPICS = {
    "LORIOT": "lorawan/loriot/0102030405060708/up",
    "Actility": "lorawan/thingpark/0102030405060708/up",
    "Helium": "lorawan/helium/0102030405060708/up",
    "AWS IoT": "lorawan/aws-iot/0102030405060708/up",
}
"""Our topics of the network servers that leave the topic to the user."""

SAMPLES = {
    "Parking_Lot_Sensor": "bosch-tps110",
    "R719A": "netvox-r719a",
    "G4_NPS_FM": "nwave-nps405",
    "G4_NPS_SM": "nwave-nps405",
}
"""Which sensor is inside an envelope, by the end of the row's note."""


def rows(folder: Path, name: str) -> list[Row]:
    """All rows of `vectors/{name}.jsonl`."""
    return [json.loads(line) for line in (folder / "vectors" / f"{name}.jsonl").read_text().splitlines()]


def codec_of(row: Row) -> str | None:
    """The codec of a row of `devices`."""
    for (vendor, model), codec in CODECS.items():
        if row["vendor"] == vendor and row["model"].startswith(model):
            return codec
    return None


def topic_of(row: Row) -> str | None:
    """Where we would get a row of `envelopes`."""
    for server, topic in TOPICS.items():
        if row["network_server"].startswith(server):
            return topic
    topic = row["topic"]
    return topic if topic is None or isinstance(topic, str) else None


def sample_of(row: Row) -> str | None:
    """The codec of the parking sensor in a row of `envelopes`."""
    return SAMPLES.get((row["note"] or "").rpartition(": ")[2])


def is_rejected(row: Row) -> bool:
    """Whether a row of `devices` is no message: a negative test, or an error published as an example."""
    return row["kind"] == "negative" or "error" in row["expected"]


_RESET_CAUSES = {"Power On Reset": "power_on", "system request": "system_request"}
_EVENTS = {"startup": "boot", "start1": "boot", "start2": "boot", "info": "change", "heartbeat": "heartbeat"}


def _duration(minutes: Any) -> int:
    return int(minutes) * 60


# What others call what we call differently: our name, and how their value becomes ours.
_FACTS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "temperature_c": ("temperature_c", float),
    "temperature": ("temperature_c", float),
    "Temperature": ("temperature_c", float),
    "battery_v": ("battery_v", float),
    "battery_voltage": ("battery_v", float),
    "volt": ("battery_v", float),
    "Volt": ("battery_v", float),
    "battery_mv": ("battery_v", lambda mv: mv / 1000),
    "battery_low": ("battery_low", bool),
    "alarmBattery": ("battery_low", bool),
    "Good_Battery": ("battery_low", lambda good: not good),
    "battery_health": ("battery_low", lambda health: health != "normal"),
    "firmware_version": ("firmware", str),
    "firmwareVersion": ("firmware", str),
    "firmware": ("firmware", str),
    "firmware_version_big_endian": ("firmware", str),
    "SWver": ("firmware", lambda version: f"{version:.1f}"),
    "reset_cause": ("reset_cause", lambda cause: _RESET_CAUSES.get(cause, cause)),
    "resetCause": ("reset_cause", lambda cause: _RESET_CAUSES.get(cause, cause)),
    "previous_state_duration": ("previous_s", _duration),
    "uploadInterval": ("heartbeat_s", lambda hours: hours * 3600),
    "maxTime": ("heartbeat_s", int),
    "MaxTime": ("heartbeat_s", int),
}


def facts(row: Row) -> dict[str, Any]:
    """What a row of `devices` says beside the occupancy, by our names.

    Left out: a temperature that no sensor can have measured, and the kind of a message where decoders
    contradict each other and the maker's manual decides (bit 3 belongs to the type).
    """
    expected = row["expected"]
    found = {ours: value(expected[theirs]) for theirs, (ours, value) in _FACTS.items() if theirs in expected}
    if not -40 <= found.get("temperature_c", 0) <= 85:
        del found["temperature_c"]
    event = _EVENTS.get(str(expected.get("type") or expected.get("frame_type")))
    if event is None or "CONFLICT on bit 3" in row.get("note", ""):
        return found
    return found | {"event": event}


def is_keep_alive(row: Row) -> bool:
    """Whether a row of `devices` repeats the state."""
    expected = row["expected"]
    return (
        expected.get("keep_alive") is True
        or expected.get("keepAlive") == 1
        or expected.get("frame_type") == "keep_alive"
    )
