"""Our own frames and bundles to observations, one by one: what `ingest.frames` passed over."""

from datetime import datetime, timedelta
from typing import Final

from firmware_protocol import codec, topics
from firmware_protocol.frames import AckFrame, BundleEntry, Frame, FrameError, HealthFrame, StateFrame
from firmware_protocol.sealed import is_sealed
from ingest.adapters.parking_v1 import FAULT, KINDS, STATES, health, reset_cause
from ingest.decoded import NO_SEALS, Decoded, Message, check_size
from parking.errors import Rejection
from parking.model import BayObservation, EventKind, Observation
from parking.replay import Seal

MAX_FRAME_PAYLOAD: Final = 64 * 1024
"""Most bytes of a message on our own bay and gateway topics."""
MAX_ENTRY_REJECTIONS: Final = 20
"""Most rejections that one bundle gives, so that one hostile message cannot make thousands of records."""


def frame(message: Message, topic: topics.Topic) -> Decoded:
    """One frame of a sensor. Raises Rejection."""
    check_size(message, MAX_FRAME_PAYLOAD)
    frame, seal = _unsealed(message, topic.name, message.payload)
    if isinstance(frame, AckFrame):
        return Decoded(ignored="the answer to a command says nothing of the bay", site=topic.site)
    return Decoded(
        observations=(_observation(frame, topic.name, message.received_at),),
        site=topic.site,
        seals={0: seal} if seal else NO_SEALS,
    )


def _unsealed(message: Message, device: str, payload: bytes) -> tuple[Frame, Seal | None]:
    """The frame, and the seal that it was in, verified. Raises Rejection."""
    seal = None
    if is_sealed(payload):
        seal, payload = message.verifier.open(device, payload)
    try:
        return codec.decode(payload), seal
    except FrameError as error:
        raise Rejection(error.code, error.detail) from None


def bundle(message: Message, topic: topics.Topic) -> Decoded:
    """A gateway's bundle. Raises Rejection if it is none; its entries are judged one by one."""
    check_size(message, MAX_FRAME_PAYLOAD)
    try:
        bundle = codec.decode_bundle(message.payload)
    except FrameError as error:
        raise Rejection(error.code, error.detail) from None
    observations: list[Observation] = []
    rejections: list[Rejection] = []
    seals: dict[int, Seal] = {}
    for number, entry in enumerate(bundle.entries, 1):
        try:
            frame, seal = _entry(message, entry)
        except Rejection as rejection:
            detail = f"entry {number}, device {entry.device or 'unreadable'}: {rejection.detail}"
            rejections.append(Rejection(rejection.code, detail))
            continue
        if not isinstance(frame, AckFrame):
            heard_at = message.received_at - timedelta(seconds=entry.delay_s)
            if seal is not None:
                seals[len(observations)] = seal
            observations.append(_observation(frame, entry.device, heard_at))
    if bundle.error is not None:
        detail = f"behind entry {len(bundle.entries)}: {bundle.error.detail}"
        rejections.append(Rejection(bundle.error.code, detail))
    return Decoded(
        observations=tuple(observations), rejections=capped(rejections), site=topic.site, seals=seals
    )


def _entry(message: Message, entry: BundleEntry) -> tuple[Frame, Seal | None]:
    """An entry's frame, and the seal that it was in. Raises Rejection."""
    if entry.device and is_sealed(entry.raw):
        return _unsealed(message, entry.device, entry.raw)
    if isinstance(entry.frame, FrameError):
        raise Rejection(entry.frame.code, entry.frame.detail)
    return entry.frame, None


def capped(rejections: list[Rejection]) -> tuple[Rejection, ...]:
    """Those of one message, not too many of them."""
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
