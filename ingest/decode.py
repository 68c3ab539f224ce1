"""Bytes of any message to observations or rejections: pure, total on hostile bytes, and quick.

The first level of the topic chooses the decoder (`ROUTES`). Our own frames are read here, since nearly all
messages are theirs; what others publish is read in `ingest.adapters`.
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final, NamedTuple, Protocol

import msgspec

from firmware_protocol import codec, topics
from firmware_protocol.frames import AckFrame, FrameError, HealthFrame, StateFrame
from ingest.adapters import (
    aws_iot,
    cameras,
    chirpstack,
    frigate,
    helium,
    lorawan,
    loriot,
    thingpark,
    things_stack,
)
from ingest.adapters.base import Ignored, Notice, NoticeKind, Uplink
from ingest.adapters.codecs import CODECS
from ingest.adapters.parking_v1 import FAULT, KINDS, STATES, health, reset_cause
from ingest.adapters.sightings import Reader
from parking.clock import CameraClock
from parking.errors import Rejection
from parking.model import BayObservation, EventKind, Observation

MAX_FRAME_PAYLOAD: Final = 64 * 1024
"""Most bytes of a message on our own bay and gateway topics."""
MAX_JSON_PAYLOAD: Final = 256 * 1024
"""Most bytes of a network server's message; a busy one's come near a quarter of it."""
MAX_ENTRY_REJECTIONS: Final = 20
"""Most rejections that one bundle gives, so that one hostile message cannot make thousands of records."""


class Directory(Protocol):
    """What decoding needs to know of the registry."""

    def codec(self, device: str) -> str | None:
        """The codec name of a device, None if the registry does not have it."""
        ...


class Decoded(msgspec.Struct, frozen=True, kw_only=True):
    """What one message says. A bundle may give both observations and rejections.

    `ignored` is why a well-formed message says nothing for us. `site` is the site that our own topics name
    (None on others' topics). `uplink` is what a network server's envelope held, even if its payload is
    rejected, `notice` what the server told of a device besides. (A struct, since one is made for each
    message: it costs an eighth of a frozen dataclass.)
    """

    observations: tuple[Observation, ...] = ()
    rejections: tuple[Rejection, ...] = ()
    ignored: str | None = None
    uplink: Uplink | None = None
    notice: Notice | None = None
    site: str | None = None


class Message(NamedTuple):
    """One message as it came."""

    topic: str
    payload: bytes
    received_at: datetime
    directory: Directory
    clocks: Mapping[str, CameraClock]

    @property
    def levels(self) -> list[str]:
        """The levels of the topic."""
        return self.topic.split("/")


def decode(
    topic: str,
    payload: bytes,
    *,
    received_at: datetime,
    directory: Directory,
    retained: bool = False,
    clocks: Mapping[str, CameraClock] = cameras.NO_CLOCKS,
) -> Decoded:
    """What the ingestor makes of one message; never raises.

    `received_at` is the arrival time (UTC). `retained` is the flag of the MQTT message: the broker's replay
    of an old message, whose arrival time says nothing, is ignored. `clocks` has the cameras whose gates say
    how far to trust their time.
    """
    if retained:
        return Decoded(ignored="a retained message is a replay")
    try:
        route = ROUTES.get(topic.partition("/")[0])
        if route is None:
            raise _unknown_topic()
        return route(Message(topic, payload, received_at, directory, clocks))
    except Rejection as rejection:
        return Decoded(rejections=(rejection,))
    except Exception as error:
        # A fault of ours on one message must not stop all the others; the text may quote the payload.
        return Decoded(rejections=(Rejection("decoder_error", f"{type(error).__name__} while decoding"),))


@lru_cache(maxsize=1 << 16)
def _own_topic(topic: str) -> topics.Topic | None:
    return topics.parse(topic)


def _own(message: Message) -> Decoded:
    topic = _own_topic(message.topic)
    if topic is None:
        raise _unknown_topic()
    if topic.kind == "bay" and topic.leaf == "up":
        return _frame(message, topic)
    if topic.kind == "gateway":
        return _bundle(message, topic)
    if topic.kind == "anpr":
        return _plates(message, camera=topic.name, site=topic.site)
    return Decoded(ignored="published by us, not for us", site=topic.site)


def _frame(message: Message, topic: topics.Topic) -> Decoded:
    _check_size(message, MAX_FRAME_PAYLOAD)
    try:
        frame = codec.decode(message.payload)
    except FrameError as error:
        raise Rejection(error.code, error.detail) from None
    if isinstance(frame, AckFrame):
        return Decoded(ignored="the answer to a command says nothing of the bay", site=topic.site)
    return Decoded(observations=(_observation(frame, topic.name, message.received_at),), site=topic.site)


def _bundle(message: Message, topic: topics.Topic) -> Decoded:
    _check_size(message, MAX_FRAME_PAYLOAD)
    try:
        bundle = codec.decode_bundle(message.payload)
    except FrameError as error:
        raise Rejection(error.code, error.detail) from None
    observations: list[Observation] = []
    rejections: list[Rejection] = []
    for number, entry in enumerate(bundle.entries, 1):
        if isinstance(entry.frame, FrameError):
            detail = f"entry {number}, device {entry.device or 'unreadable'}: {entry.frame.detail}"
            rejections.append(Rejection(entry.frame.code, detail))
        elif not isinstance(entry.frame, AckFrame):
            heard_at = message.received_at - timedelta(seconds=entry.delay_s)
            observations.append(_observation(entry.frame, entry.device, heard_at))
    if bundle.error is not None:
        detail = f"behind entry {len(bundle.entries)}: {bundle.error.detail}"
        rejections.append(Rejection(bundle.error.code, detail))
    return Decoded(observations=tuple(observations), rejections=_capped(rejections), site=topic.site)


def _capped(rejections: list[Rejection]) -> tuple[Rejection, ...]:
    kept = rejections[:MAX_ENTRY_REJECTIONS]
    more = len(rejections) - len(kept)
    if more:
        kept[-1] = Rejection(kept[-1].code, f"{kept[-1].detail}; and {more} more entries were rejected")
    return tuple(kept)


def _observation(frame: StateFrame | HealthFrame, device: str, seen_at: datetime) -> BayObservation:
    firmware, cause, beat = None, None, None
    if frame.tlvs:
        firmware, cause, beat = frame.firmware, reset_cause(frame), frame.heartbeat_s
    if isinstance(frame, HealthFrame):
        return BayObservation(
            device=device,
            state=None,
            event_at=seen_at,
            seen_at=seen_at,
            seq=0,
            session=frame.boot,
            kind=EventKind.HEARTBEAT,
            battery_v=frame.battery_v,
            temperature_c=frame.temperature_c,
            firmware=firmware,
            reset_cause=cause,
            battery_low=frame.battery_low or None,
            heartbeat_s=beat,
            health=health(frame),
        )
    return BayObservation(
        device=device,
        state=STATES[frame.state],
        event_at=seen_at - timedelta(0, frame.age_s) if frame.age_s else seen_at,
        seen_at=seen_at,
        seq=frame.seq,
        session=frame.boot,
        age_s=frame.age_s,
        previous_s=frame.previous_s,
        kind=KINDS[frame.type],
        fault=frame.state is FAULT,
        battery_v=frame.battery_v,
        temperature_c=frame.temperature_c,
        firmware=firmware,
        reset_cause=cause,
        battery_low=frame.battery_low or None,
        heartbeat_s=beat,
        health=health(frame),
    )


def _things_stack(message: Message) -> Decoded:
    levels = message.levels
    if len(levels) < 5 or levels[2] != "devices":
        raise _unknown_topic()
    if levels[4:] == ["up"]:
        return _uplink(message, things_stack.read)
    if levels[4:] == ["join"]:
        return _notice(message, things_stack.read_join)
    if levels[4:] == ["down", "failed"]:
        return _notice(message, things_stack.read_failed)
    return Decoded(ignored=f"The Things Stack's {levels[4]!a} message is not an uplink")


_CHIRPSTACK_NOTICES: Final = {
    "join": chirpstack.read_join,
    "status": chirpstack.read_status,
    "log": chirpstack.read_log,
}


def _chirpstack(message: Message) -> Decoded:
    levels = message.levels
    if len(levels) != 6 or levels[2] != "device" or levels[4] not in ("event", "command"):
        raise _unknown_topic()
    if levels[4:] == ["event", "up"]:
        return _uplink(message, chirpstack.read)
    read = _CHIRPSTACK_NOTICES.get(levels[5]) if levels[4] == "event" else None
    if read is None:
        return Decoded(ignored=f"ChirpStack's {levels[5]!a} message is not an uplink")
    return _notice(message, read)


_SERVERS: Final[Mapping[str, Callable[[bytes], Uplink | Ignored]]] = {
    "loriot": loriot.read,
    "thingpark": thingpark.read,
    "helium": helium.read,
    "aws-iot": aws_iot.read,
}
"""Network servers whose messages come by a topic of our choice: `lorawan/{server}/{device}/up`."""


def _other_server(message: Message) -> Decoded:
    levels = message.levels
    read = _SERVERS.get(levels[1]) if len(levels) == 4 and levels[3] == "up" else None
    if read is None:
        raise Rejection("unknown_topic", f"not lorawan/{{{', '.join(_SERVERS)}}}/{{device}}/up")
    return _uplink(message, read)


def _helium(message: Message) -> Decoded:
    levels = message.levels
    if len(levels) != 3 or levels[2] != "rx":
        raise _unknown_topic()
    return _uplink(message, helium.read)


def _uplink(message: Message, read: Callable[[bytes], Uplink | Ignored]) -> Decoded:
    _check_size(message, MAX_JSON_PAYLOAD)
    uplink = read(message.payload)
    if isinstance(uplink, Ignored):
        return Decoded(ignored=uplink.reason)
    if not uplink.payload:
        return Decoded(ignored="an uplink without a payload only serves the network", uplink=uplink)
    try:
        observations = lorawan.observe(
            uplink,
            codec=message.directory.codec(uplink.device),
            codecs=CODECS,
            received_at=message.received_at,
        )
    except Rejection as rejection:
        return Decoded(rejections=(rejection,), uplink=uplink)
    return Decoded(observations=observations, uplink=uplink)


def _notice(message: Message, read: Callable[[bytes], Notice]) -> Decoded:
    """What a network server tells of a device. Only a status comes from the device itself, and tells of it.

    A join says no more than that the device starts anew: it may do so for days without a word of its bay.
    """
    _check_size(message, MAX_JSON_PAYLOAD)
    notice = read(message.payload)
    if notice.kind is not NoticeKind.STATUS or message.directory.codec(notice.device) is None:
        return Decoded(ignored=f"a network server's {notice.kind} message, not an uplink", notice=notice)
    return Decoded(
        observations=(lorawan.status(notice, received_at=message.received_at),),
        notice=notice,
    )


def _frigate(message: Message) -> Decoded:
    read = {
        "frigate/events": frigate.read_event,
        "frigate/tracked_object_update": frigate.read_update,
    }.get(message.topic)
    if read is None:
        return Decoded(ignored="Frigate reads no plates on this topic")
    _check_size(message, MAX_JSON_PAYLOAD)
    return _plates(message, reader=read)


def _anpr2mqtt(message: Message) -> Decoded:
    if message.levels[-1] != "state":
        return Decoded(ignored="anpr2mqtt tells of no plates on this topic")
    return _plates(message, hint="anpr2mqtt")


def _axis(message: Message) -> Decoded:
    if "/CameraApplicationPlatform/ALPV" not in message.topic:
        return Decoded(ignored="an Axis camera's event that is not of the License Plate Verifier")
    return _plates(message, hint="axis")


def _plates(
    message: Message,
    *,
    camera: str | None = None,
    reader: Reader | None = None,
    hint: str | None = None,
    site: str | None = None,
) -> Decoded:
    read = cameras.read(
        message.payload,
        received_at=message.received_at,
        camera=camera,
        reader=reader,
        hint=hint,
        clocks=message.clocks,
    )
    if isinstance(read, Ignored):
        return Decoded(ignored=read.reason, site=site)
    return Decoded(observations=read, site=site)


def _check_size(message: Message, most: int) -> None:
    if len(message.payload) > most:
        raise Rejection("too_large", f"{len(message.payload)} bytes, at most {most}")


def _unknown_topic() -> Rejection:
    return Rejection("unknown_topic", "no decoder reads this topic")


ROUTES: Final[Mapping[str, Callable[[Message], Decoded]]] = {
    "parking": _own,
    "v3": _things_stack,
    "application": _chirpstack,
    "lorawan": _other_server,
    "helium": _helium,
    "frigate": _frigate,
    "anpr2mqtt": _anpr2mqtt,
    "axis": _axis,
}
"""Who decodes what, by the first level of the topic."""
