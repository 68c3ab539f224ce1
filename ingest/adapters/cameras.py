"""A plate read of any supported camera, its format found by itself: the one entry for MQTT and HTTP alike.

A JSON object belongs to the vendor whose members it has (`FORMATS`), an XML document to the one of its root;
where several would fit, or none, the message is rejected, since a guess might invent a vehicle. A hint (the
path of an HTTP request, a vendor's topic or name) narrows the choice and cannot widen it.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Final, NamedTuple, TypeVar

import msgspec

from ingest.adapters import (
    anpr2mqtt,
    axis,
    axxon,
    checks,
    dahua,
    frigate,
    genetec,
    hikvision,
    lilin,
    milesight,
    multipart,
    openalpr,
    plate_recognizer,
    safe_xml,
    survision,
    tattile,
    verkada,
)
from ingest.adapters.base import Ignored
from ingest.adapters.sightings import Reader, Seen, plate_reads
from parking.clock import CameraClock
from parking.errors import Rejection
from parking.model import PlateRead

T = TypeVar("T")

NO_CLOCKS: Final[Mapping[str, CameraClock]] = {}

MAX_BODY: Final = 4 * 1024 * 1024
"""Most bytes of a message with its images; two JPEGs of eight megapixels stay below it."""


class Format(NamedTuple):
    """One form of JSON message: its vendor, the members that only it has together, and its reader."""

    vendor: str
    members: frozenset[str]
    read: Reader


def _form(vendor: str, members: str, read: Reader) -> Format:
    return Format(vendor, frozenset(members.split()), read)


FORMATS: Final = (
    _form("frigate", "after", frigate.read_event),
    _form("frigate", "type id", frigate.read_update),
    _form("frigate", "type timestamp", frigate.read_update),
    _form("anpr2mqtt", "target target_type", anpr2mqtt.read),
    _form("axis", "carID carState", axis.read_push),
    _form("axis", "topic message", axis.read_event),
    _form("dahua", "method params", dahua.read_stream),
    _form("dahua", "Code Data", dahua.read_event),
    _form("dahua", "Picture", dahua.read_push),
    _form("dahua", "Active DeviceID", dahua.read_keep_alive),
    _form("plate-recognizer", "hook data", plate_recognizer.read),
    _form("openalpr", "data_type", openalpr.read),
    _form("openalpr", "epoch_time results uuid", openalpr.read),
    _form("milesight", "device time plate", milesight.read),
    _form("milesight", "parking_area occupancy", milesight.read_parking),
    _form("genetec", "Plate DateUtc TimeUtc", genetec.read),
    _form("survision", "anpr", survision.read),
    _form("verkada", "webhook_type data", verkada.read),
    _form("lilin", "LPR_COUNT INFORMATION", lilin.read),
)
VENDORS: Final = frozenset({form.vendor for form in FORMATS} | {"hikvision", "tattile", "axxon"})
_HINTS: Final = {
    **{re.sub("[^a-z0-9]", "", vendor): vendor for vendor in VENDORS},
    "alpv": "axis", "isapi": "hikvision", "intelbras": "dahua", "itsapi": "dahua",
    "notificationinfo": "dahua", "tollgateinfo": "dahua", "rekor": "openalpr", "autovu": "genetec",
}  # fmt: skip
_WORD: Final = re.compile(r"[a-z0-9-]+")
_MEMBERS: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_WANTED: Final = hikvision.WANTED | tattile.WANTED
_XML: Final = re.compile(rb"(?:\xef\xbb\xbf)?\s*<|\xff\xfe<|\xfe\xff\0<")


def read(
    body: bytes,
    *,
    received_at: datetime,
    camera: str | None = None,
    reader: Reader | None = None,
    content_type: str | None = None,
    hint: str | None = None,
    clocks: Mapping[str, CameraClock] = NO_CLOCKS,
) -> tuple[PlateRead, ...] | Ignored:
    """The plate reads in a message, or why it is none of our business; raises Rejection and nothing else.

    `camera` is the registry's id of the camera, if the way the message came names it. `reader` is the one to
    use where the way the message came leaves no choice; else `hint` is an HTTP path, a topic or a vendor's
    name. `clocks` has the cameras whose gates say how far to trust their time.
    """
    if len(body) > MAX_BODY:
        raise Rejection("too_large", f"{len(body)} bytes, at most {MAX_BODY}")
    if not body:
        return Ignored("an empty message clears a retained one")
    seen = reader(body) if reader else _seen(body, content_type, vendors_of(hint))
    if isinstance(seen, Ignored):
        return seen
    return plate_reads(seen, camera=camera, received_at=received_at, clocks=clocks)


def vendors_of(hint: str | None) -> frozenset[str]:
    """The vendors that a path, topic or name names; all of them where it names none."""
    words = _WORD.findall(re.sub(r"[_ ]", "-", (hint or "").lower()))
    named = {_HINTS[plain] for word in words if (plain := word.replace("-", "")) in _HINTS}
    return frozenset(named) or VENDORS


def _seen(body: bytes, content_type: str | None, vendors: frozenset[str]) -> Seen:
    if multipart.is_multipart(body, content_type):
        body = multipart.message(body, content_type)
    if _XML.match(body):
        document = safe_xml.parse(body, _WANTED)
        return _one("XML", _xml_formats(document), vendors)(document)
    members = checks.parse_json(body, _MEMBERS, private=True).keys()
    fitting = [(form.vendor, form.read) for form in FORMATS if form.members <= members]
    return _one("JSON", fitting, vendors)(body)


def _xml_formats(
    document: safe_xml.Document,
) -> list[tuple[str, Callable[[safe_xml.Document], Seen]]]:
    if document.root == "EventNotificationAlert":
        return [("hikvision", hikvision.read_notification)]
    if document.root == "Metadata":
        return [("hikvision", hikvision.read_metadata)]
    if document.root == axxon.ROOT:
        return [("axxon", axxon.read)]
    return [("tattile", tattile.read)] if document.first(tattile.PLATE) is not None else []


def _one(kind: str, fitting: Sequence[tuple[str, T]], vendors: frozenset[str]) -> T:
    """The one format that fits; raises Rejection that tells which did, and nothing of the message."""
    chosen = {read: vendor for vendor, read in fitting if vendor in vendors}
    if len(chosen) == 1:
        return next(iter(chosen))
    if not fitting:
        raise Rejection("unknown_format", f"{kind} that is no message of a supported camera")
    if not chosen:
        raise Rejection(
            "unknown_format", f"{kind} of {_names(fitting)}, where {' or '.join(sorted(vendors))} is expected"
        )
    raise Rejection(
        "ambiguous_format", f"{kind} that might be of {_names(fitting)}; a path can name the vendor"
    )


def _names(fitting: Sequence[tuple[str, object]]) -> str:
    return " or ".join(sorted({vendor for vendor, _ in fitting}))
