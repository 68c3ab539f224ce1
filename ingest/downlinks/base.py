"""What a model can be told: settings by name, each with its limits and its unit."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from parking.errors import DownlinkError

UNITS_S: Final[Mapping[str, int]] = {"s": 1, "min": 60, "h": 3600, "d": 86_400}
"""Seconds of a unit of time, as a setting has it and as a person may write it."""
HEARTBEAT: Final = "heartbeat"
"""The name by which any model's interval of reports can be set; in seconds, or with a unit."""

_VALUE: Final = re.compile(r"(?P<number>\d{1,9}(?:\.\d{1,6})?)(?P<unit>[A-Za-z%]*)")
_NEAR: Final = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One value that a model can be told; `vendor` is its maker's name for it.

    `high` and `low` are in its unit, and so is `step`, of which the device counts a whole number.
    """

    name: str
    vendor: str
    high: float
    help: str = ""
    low: float = 0
    unit: str = ""
    step: float = 1
    heartbeat: bool = False

    def parse(self, text: str, *, name: str | None = None) -> float:
        """The value that a person wrote, under this name or another; raises DownlinkError."""
        name = name or self.name
        match = _VALUE.fullmatch(text.strip())
        if match is None:
            raise DownlinkError(f"{name} is {text!a}, not a number with or without a unit", hint=self.rule)
        written = match["unit"] or ("s" if name == HEARTBEAT else self.unit)
        number = float(match["number"])
        if written != self.unit:
            if written not in UNITS_S or self.unit not in UNITS_S:
                expected = "s, min, h or d" if self.unit in UNITS_S else self.unit or "no unit"
                raise DownlinkError(f"{name} is {text!a}, its unit must be {expected}", hint=self.rule)
            number = number * UNITS_S[written] / UNITS_S[self.unit]
        return self.check(number, written=f"{name} is {text!a}")

    def check(self, number: float, *, written: str) -> float:
        """The number if the device can be told it; else raises DownlinkError, which begins with `written`."""
        steps = number / self.step
        if not self.low - _NEAR <= number <= self.high + _NEAR or abs(steps - round(steps)) > _NEAR:
            raise DownlinkError(f"{written}, which this device cannot be told", hint=self.rule)
        return round(round(steps) * self.step, 6)

    def steps(self, value: float) -> int:
        """How many steps a value is, as the device counts it."""
        return round(value / self.step)

    @property
    def rule(self) -> str:
        """What it may be, in words."""
        unit = f" {self.unit}" if self.unit else ""
        by = "" if self.step == 1 else f" by {self.step:g}"
        return f"{self.name}: {self.low:g} to {self.high:g}{unit}{by}"


@dataclass(frozen=True, slots=True)
class Downlink:
    """One downlink: its LoRaWAN port, its bytes, and what it sets (empty: it asks for the settings)."""

    port: int
    payload: bytes
    values: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """What one model can be told.

    `encode` makes the downlinks for these values. `decode` says what a payload tells the device, `port` None
    if that is not known; it raises Rejection and nothing else. `ask` is the downlink by which the device
    tells its settings. `whole`: it takes all its settings at once, never one alone.
    """

    name: str
    codec: str
    settings: tuple[Setting, ...]
    encode: Callable[[Mapping[str, float]], tuple[Downlink, ...]]
    decode: Callable[[bytes, int | None], Downlink]
    ask: Downlink | None = None
    whole: bool = False

    def setting(self, name: str) -> Setting:
        """By our name, its maker's, or `heartbeat`; raises DownlinkError."""
        for setting in self.settings:
            if name in (setting.name, setting.vendor) or (name == HEARTBEAT and setting.heartbeat):
                return setting
        known = ", ".join(setting.name for setting in self.settings)
        reason = f"{self.name} has no setting {name!a}"
        raise DownlinkError(reason, hint=f"It has {known}.")

    def read(self, texts: Mapping[str, str]) -> dict[str, float]:
        """Values by our names, from what a person wrote; raises DownlinkError."""
        found: dict[str, float] = {}
        for name, text in texts.items():
            setting = self.setting(name)
            if setting.name in found:
                raise DownlinkError(f"{setting.name} is given twice, once as {name!a}")
            found[setting.name] = setting.parse(text, name=name)
        return found

    def complete(self, values: Mapping[str, float]) -> Mapping[str, float]:
        """The values, if they are enough for a downlink; raises DownlinkError that names what is missing."""
        missing = [setting.name for setting in self.settings if setting.name not in values]
        if self.whole and missing:
            raise DownlinkError(
                f"{self.name} takes all its settings at once; missing: {', '.join(missing)}",
                hint="Give them all, or the settings that the device has now, in hexadecimal, as --base.",
            )
        return values
