"""Dingtek DO200, DO201 and DO202: a text of hexadecimal digits on port 3, one setting a downlink.

`8002`, a password of four digits, the key of the setting (2 digits), its value (2 or 4), `81`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from ingest.downlinks.base import Downlink, Model, Setting
from parking.errors import DownlinkError, Rejection

PORT: Final = 3
_TEXT: Final = re.compile(rb"8002(?P<password>\d{4})(?P<key>[0-9A-F]{2})(?P<value>(?:[0-9A-F]{2}){1,2})81")


@dataclass(frozen=True, slots=True)
class _Key:
    """Which number a setting has, and how many digits its value."""

    number: int
    setting: Setting
    digits: int = 2


_INTERVAL: Final = Setting(
    name="upload_interval",
    vendor="uploadInterval",
    low=1,
    high=168,
    unit="h",
    heartbeat=True,
    help="time between two reports",
)
_BATTERY: Final = Setting(
    name="battery_threshold",
    vendor="batteryThreshold",
    low=5,
    high=99,
    unit="%",
    help="below it the battery alarm is raised",
)
_DO200: Final = (
    _Key(1, _INTERVAL),
    _Key(
        2,
        Setting(
            name="mag_threshold",
            vendor="magThreshold",
            low=1,
            high=255,
            unit="mGs",
            help="change of the field that is a vehicle",
        ),
    ),
    _Key(
        3,
        Setting(
            name="ultra_detect_interval",
            vendor="ultraDetectInterval",
            low=1,
            high=60,
            unit="min",
            help="time between two measurements by ultrasound",
        ),
    ),
    _Key(
        4,
        Setting(
            name="mag_detect_interval",
            vendor="magDetectInterval",
            low=1,
            high=60,
            unit="s",
            help="time between two measurements of the field",
        ),
    ),
    _Key(5, _BATTERY),
)
_DO202: Final = (
    _Key(1, _INTERVAL),
    _Key(5, _BATTERY),
    _Key(
        8,
        Setting(
            name="detect_interval",
            vendor="detectInterval",
            low=1,
            high=60,
            unit="min",
            help="time between two measurements",
        ),
    ),
    _Key(
        15,
        Setting(
            name="magnet_threshold",
            vendor="magnetThreshold",
            low=1,
            high=65_535,
            help="change of the field that is a vehicle",
        ),
        4,
    ),
)
_DO201: Final = (
    *_DO202,
    _Key(
        2,
        Setting(
            name="level_threshold",
            vendor="levelThreshold",
            low=15,
            high=255,
            unit="cm",
            help="distance below which something is there",
        ),
    ),
)


@dataclass(frozen=True, slots=True)
class _Language:
    """The keys and the password of a model."""

    password: bytes
    keys: tuple[_Key, ...]

    def encode(self, values: Mapping[str, float]) -> tuple[Downlink, ...]:
        """One downlink for each value."""
        found = []
        for key in self.keys:
            name = key.setting.name
            if name in values:
                steps = key.setting.steps(values[name])
                text = f"{key.number:02X}{steps:0{key.digits}X}81"
                found.append(Downlink(PORT, b"8002" + self.password + text.encode(), {name: values[name]}))
        return tuple(found)

    def decode(self, payload: bytes, port: int | None) -> Downlink:
        """What a downlink sets; raises Rejection."""
        if port not in (PORT, None):
            raise Rejection("unknown_fport", f"fport is {port}; these sensors listen on {PORT}")
        match = _TEXT.fullmatch(payload)
        if match is None or match["password"] != self.password:
            form = f"8002 {self.password.decode()} key value 81 as ASCII text"
            raise Rejection("unreadable", f"{len(payload)} bytes that are not {form}")
        number = int(match["key"], 16)
        key = next((key for key in self.keys if key.number == number), None)
        if key is None or len(match["value"]) != key.digits:
            raise Rejection("unreadable", f"key {number} with a value of {len(match['value'])} digits")
        value = int(match["value"], 16)
        try:
            read = key.setting.check(value, written=f"{key.setting.name} is {value}")
        except DownlinkError as error:
            raise Rejection("out_of_range", f"{error.message} ({error.hint})") from None
        return Downlink(PORT, payload, {key.setting.name: read})


def _model(name: str, password: bytes, keys: tuple[_Key, ...]) -> Model:
    language = _Language(password, keys)
    settings = tuple(key.setting for key in keys)
    return Model(
        name=name,
        codec="dingtek-do20x",
        settings=settings,
        encode=language.encode,
        decode=language.decode,
    )


MODELS: Final = (
    _model("dingtek-do200", b"8888", _DO200),
    _model("dingtek-do201", b"9999", _DO201),
    _model("dingtek-do202", b"9999", _DO202),
)
