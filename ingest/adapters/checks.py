"""Shared checks of what a message claims: texts, times and physical ranges. Failures are rejections."""

import re
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Final, TypeVar

import msgspec

from parking.errors import Rejection

T = TypeVar("T")

EARLIEST: Final = datetime(2000, 1, 1, tzinfo=UTC)
LATEST: Final = datetime(2100, 1, 1, tzinfo=UTC)
"""No message is from before or after these; how late or early is too much is for the ingestor to judge."""

Id = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9._-]{1,64}\Z")]
"""The id of a device or camera: looks the same as a level of our topics."""
Eui = Annotated[str, msgspec.Meta(pattern=r"^[0-9A-Fa-f]{16}\Z")]
Port = Annotated[int, msgspec.Meta(ge=0, le=255)]
Counter = Annotated[int, msgspec.Meta(ge=0, lt=2**32)]
Milliseconds = Annotated[int, msgspec.Meta(ge=0, lt=2**53)]

_PATH: Final = re.compile(r"at `\$(?P<path>[^`]*)`$")
_STEP: Final = re.compile(r"\.([A-Za-z_]\w*)|\[(\d+)\]")
_TEMPERATURES: Final = (-40.0, 85.0)
_BATTERIES: Final = (0.0, 10.0)
_SHOWN: Final = 60
_LOGGED: Final = 200
_HEXADECIMAL: Final = re.compile(r"(?:[0-9A-Fa-f]{2})*")


def parse_json(payload: bytes, decoder: msgspec.json.Decoder[T], *, private: bool = False) -> T:
    """The JSON value of `payload`, or a Rejection that names field, value and rule.

    `private` keeps every value out of the detail, for messages that may hold a number plate.
    """
    try:
        # Unknown members are skipped unread, so bad UTF-8 in them would go unseen.
        payload.decode()
        return decoder.decode(payload)
    except UnicodeDecodeError as error:
        raise Rejection("invalid_utf8", f"the byte at {error.start} is not UTF-8") from None
    except msgspec.ValidationError as error:
        value = "" if private else _value(payload, str(error))
        raise Rejection("invalid_field", f"{error}{value}") from None
    except msgspec.DecodeError as error:
        raise Rejection("invalid_json", str(error)) from None
    except RecursionError:
        raise Rejection("invalid_json", "nested too deeply") from None


def _value(payload: bytes, message: str) -> str:
    """The value that a validation error is about, as text to append."""
    path = _PATH.search(message)
    if path is None:
        # The whole payload, then: what is no such message at all may be anything, a plate too.
        return ""
    try:
        value: Any = msgspec.json.decode(payload)
        for name, index in _STEP.findall(path["path"]):
            value = value[name] if name else value[int(index)]
    except (msgspec.DecodeError, RecursionError, LookupError, TypeError):
        return ""
    if isinstance(value, dict | list):
        return ""
    return f", not {shown(value)}"


def shown(value: object) -> str:
    """A value for a detail: printable ASCII, and not too long."""
    text = ascii(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


def parse_time(text: str, field: str) -> datetime:
    """The UTC time of an RFC 3339 text; digits beyond microseconds are cut off."""
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            raise ValueError
        moment = moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise Rejection("invalid_field", f"{field} is {shown(text)}, not an RFC 3339 time") from None
    if not EARLIEST <= moment < LATEST:
        raise Rejection("out_of_range", f"{field} is {shown(text)}, not from 2000 to 2099")
    return moment


def parse_epoch(seconds: float, field: str) -> datetime:
    """The UTC time of seconds since 1970."""
    if not EARLIEST.timestamp() <= seconds < LATEST.timestamp():
        raise Rejection("out_of_range", f"{field} is {seconds:g} s, not from 2000 to 2099")
    return datetime.fromtimestamp(seconds, UTC)


def parse_hex(text: str, field: str) -> bytes:
    """The bytes of hexadecimal digits."""
    if not _HEXADECIMAL.fullmatch(text):
        raise Rejection("invalid_field", f"{field} is {shown(text)}, not pairs of hexadecimal digits")
    return bytes.fromhex(text)


def plain(text: str) -> str:
    """A text of somebody else's, fit for a log: printable ASCII, and not too long."""
    clean = "".join(letter if " " <= letter <= "~" else "?" for letter in text)
    return clean if len(clean) <= _LOGGED else f"{clean[:_LOGGED]}..."


def network_time(text: str | None, field: str) -> datetime | Rejection | None:
    """The time that a network server wrote, or why it is none; None where it wrote nothing."""
    try:
        return parse_time(text, field) if text else None
    except Rejection as rejection:
        return rejection


def network_epoch(milliseconds: int | None, field: str) -> datetime | Rejection | None:
    """The same of milliseconds since 1970."""
    try:
        return None if milliseconds is None else parse_epoch(milliseconds / 1000, field)
    except Rejection as rejection:
        return rejection


def port(fport: int | None, ports: Mapping[int, object], model: str) -> int:
    """The port of a payload whose meaning hangs on it; raises Rejection for any but the model's."""
    known = ", ".join(map(str, ports))
    if fport is None:
        raise Rejection("missing_fport", f"a {model} payload means nothing without its port ({known})")
    if fport not in ports:
        raise Rejection("unknown_fport", f"fport is {fport}; a {model} reports on {known}")
    return fport


def length(payload: bytes, sizes: Collection[int], what: str) -> None:
    """Raise Rejection unless the payload has one of these sizes."""
    if len(payload) not in sizes:
        expected = " or ".join(map(str, sizes))
        raise Rejection("bad_length", f"{len(payload)} bytes of a {what}, {expected} expected")


def temperature(degrees: float) -> float | None:
    """Degrees Celsius, None if no parking sensor can have measured it: then the sensor, not the bay, errs."""
    return degrees if _TEMPERATURES[0] <= degrees <= _TEMPERATURES[1] else None


def battery(volts: float) -> float | None:
    """Volts, None if no battery of a sensor has that."""
    return volts if _BATTERIES[0] <= volts <= _BATTERIES[1] else None
