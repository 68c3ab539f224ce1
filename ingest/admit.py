"""From messages to what a transaction stores: decode, look up in the registry, check times, hide plates."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial

import structlog

from ingest.adapters.base import Notice
from ingest.authentic import NO_KEYS, Verifier
from ingest.decode import decode
from ingest.decoded import Decoded
from ingest.frames import FrameReader
from ingest.refuse import reject
from ingest.source import Message
from ingest.unseal import SealedReader
from parking.db.known import Known
from parking.db.records import Batch, BayRecord, GateRecord, RejectedRecord
from parking.devices import canonical_id
from parking.errors import PlateKeyError, Rejection
from parking.lanes import Lanes
from parking.model import BayObservation, Observation, Occupancy, PlateRead
from parking.passages import SAME_PLATE, Read
from parking.plates import PlateKeys
from parking.replay import Seal

log = structlog.get_logger()

SWAP_SETTLES = timedelta(days=90)
"""For so long after a swap a device's words may be about its bay before."""


@dataclass(frozen=True, slots=True)
class Rules:
    """How far an event's time may lie from its message's arrival; within `pairing` a plate gets a token."""

    late: timedelta
    early: timedelta
    pairing: timedelta = timedelta(days=1)


class Admission:
    """Turns messages into a batch. Holds what the registry says and the keys of plates and devices.

    `lanes` are the plates of the last minute; they outlive an admission.
    """

    def __init__(
        self,
        known: Known,
        rules: Rules,
        keys: PlateKeys | None,
        lanes: Lanes | None = None,
        *,
        verifier: Verifier = NO_KEYS,
    ) -> None:
        plain, sealing = _own_devices(known, verifier)
        self._known = known
        self._frames = FrameReader(plain, late_s=rules.late.total_seconds())
        self._sealed = SealedReader(sealing, verifier)
        self._verifier = verifier
        self._rules = rules
        self._keys = keys
        self._lanes = Lanes() if lanes is None else lanes

    def batch(self, messages: Sequence[Message]) -> Batch:
        """What these messages amount to. Never raises for what a message holds."""
        batch = Batch()
        self.add(messages, batch)
        return batch

    def site_of(self, camera: str) -> str | None:
        """The site at whose gate a camera is, None if the registry does not know it."""
        gate = self._known.directory.gates.get(camera)
        return None if gate is None else gate[0]

    def add(self, messages: Sequence[Message], batch: Batch) -> None:
        """Put what these messages amount to into a batch."""
        frames, rest = self._frames.read(messages)
        if len(frames):
            batch.frames.append(frames)
        for message in self._sealed.read(rest, batch) if rest else ():
            self._admit(message, batch)

    def _admit(self, message: Message, batch: Batch) -> None:
        decoded = decode(
            message.topic,
            message.payload,
            received_at=message.received_at,
            directory=self._known.directory,
            retained=message.retained,
            clocks=self._known.directory.clocks,
            verifier=self._verifier,
        )
        self.take(decoded, message, batch)

    def take(self, decoded: Decoded, message: Message, batch: Batch) -> None:
        """Put what a message was decoded to into a batch."""
        if decoded.notice is not None:
            _log_notice(decoded.notice)
        for rejection in decoded.rejections:
            batch.rejections.append(_record(message, rejection))
        for place, observation in enumerate(decoded.observations):
            try:
                self._check_time(observation, message)
                self._add(observation, decoded, message, batch, decoded.seals.get(place))
            except Rejection as rejection:
                batch.rejections.append(_record(message, rejection))

    def _check_time(self, observation: Observation, message: Message) -> None:
        """Refuse what cannot be true. How long ago a sensor says that something happened is no such thing:
        a car may have stood there for a month; when the message was sent is.
        """
        name, at = "event_at", observation.event_at
        if isinstance(observation, BayObservation):
            name, at = "seen_at", observation.seen_at
        late = message.received_at - at
        if late > self._rules.late:
            raise Rejection("too_late", f"{name} {at.isoformat()} is {late} before arrival")
        if -late > self._rules.early:
            # Else a device could be heard in advance, and its bay would not become unknown in time.
            raise Rejection("too_early", f"{name} {at.isoformat()} is {-late} after arrival")

    def _add(
        self,
        observation: Observation,
        decoded: Decoded,
        message: Message,
        batch: Batch,
        seal: Seal | None,
    ) -> None:
        if isinstance(observation, BayObservation):
            record = self._bay(observation, decoded, message)
            if seal is not None:
                record = replace(record, seal=seal, refuse=partial(reject, message))
            batch.bays.append(record)
        else:
            batch.gates.append(self._gate(observation, decoded, message))

    def _bay(self, observation: BayObservation, decoded: Decoded, message: Message) -> BayRecord:
        device = canonical_id(observation.device)
        if device != observation.device:
            observation = replace(observation, device=device)
        if observation.fault and observation.state not in (None, Occupancy.UNKNOWN):
            # What a detector says that calls itself broken is no knowledge of the bay.
            observation = replace(observation, state=Occupancy.UNKNOWN)
        watch = self._known.directory.devices.get(device)
        if watch is None:
            raise Rejection("unknown_device", f"device {observation.device!r} is not in the registry")
        if watch.bay is None or watch.site is None:
            raise Rejection("unassigned_device", f"device {observation.device!r} watches no bay")
        if decoded.site is not None and decoded.site != watch.site:
            raise Rejection(
                "wrong_site",
                f"the topic says site {decoded.site!r}, but {observation.device!r} belongs to {watch.site!r}",
            )
        if watch.since is not None:
            observation = _since_swap(observation, watch.since)
        return BayRecord(watch.bay, watch.site, observation, message.received_at)

    def _gate(self, read: PlateRead, decoded: Decoded, message: Message) -> GateRecord:
        gate = self._known.directory.gates.get(read.camera)
        if gate is None:
            raise Rejection("unknown_camera", f"camera {read.camera!r} is not a gate in the registry")
        site, direction = gate
        if decoded.site is not None and decoded.site != site:
            raise Rejection(
                "wrong_site",
                f"camera {read.camera!r} belongs to site {site!r}, the topic says {decoded.site!r}",
            )
        token, former = self._tokens(site, read, message)
        repeat = self._known.directory.repeats.get(read.camera, SAME_PLATE)
        return GateRecord(
            camera=read.camera,
            site=site,
            event_at=read.event_at,
            event_id=read.event_id,
            direction=direction,
            confidence=read.confidence,
            token=token,
            former=former,
            received_at=message.received_at,
            alike=self._lanes.see(Read.of(read, token), within=repeat).alike,
            repeat=repeat,
        )

    def _tokens(self, site: str, read: PlateRead, message: Message) -> tuple[bytes | None, bytes | None]:
        """The keyed hash of the plate, and those that it would have had on the days before, joined.

        The vehicle counts without them if the keys cannot be used, and if it passed so long ago that its
        token would have to be removed at once: then not even a key is made.
        """
        late = message.received_at - read.event_at
        if self._keys is None or read.plate is None or late >= self._rules.pairing:
            return None, None
        try:
            token, *former = self._keys.tokens(site, read.plate, read.event_at, window=self._rules.pairing)
        except PlateKeyError as error:
            log.error("a passage is stored without its token", error=error.message, hint=error.hint)
            return None, None
        return token, b"".join(former) or None


def _since_swap(observation: BayObservation, since: datetime) -> BayObservation:
    """What a device that came to its bay at `since` says of that bay.

    Sent before, it is about the bay where the device was. Of a state that began before, only what came after
    is about this bay. A copy of it begins at the same time, so it stays a copy.
    """
    if observation.seen_at < since:
        raise Rejection(
            "before_swap",
            f"seen_at {observation.seen_at.isoformat()} is before {observation.device!r} came to this bay at "
            f"{since.isoformat()}",
        )
    if observation.event_at >= since:
        before = observation.previous_s
        if before is None or observation.event_at - timedelta(seconds=before) >= since:
            return observation
        return replace(observation, previous_s=None)
    age_s = int((observation.seen_at - since).total_seconds())
    return replace(observation, event_at=since, age_s=age_s, previous_s=None)


_Slots = dict[str, dict[str, int]]
"""The slots of devices by site and device."""


def _own_devices(known: Known, verifier: Verifier) -> tuple[_Slots, _Slots]:
    """The devices that send our own frames, plain and sealed, but for those that were swapped lately."""
    plain: _Slots = defaultdict(dict)
    sealing: _Slots = defaultdict(dict)
    for device, watch in known.directory.devices.items():
        slot = known.table.slots.get(watch.bay) if watch.bay else None
        swapped = watch.since is not None and datetime.now(UTC) - watch.since < SWAP_SETTLES
        if slot is not None and watch.site and watch.codec == "parking-v1" and not swapped:
            (sealing if verifier.must_seal(device) else plain)[watch.site][device] = slot
    return plain, sealing


def _log_notice(notice: Notice) -> None:
    """A network server's errors are for people to read: nothing else tells of a device that cannot get in."""
    bad = notice.level in ("error", "warning")
    write = log.warning if bad else log.info
    told = {
        name: value
        for name in ("session", "level", "code", "text", "battery_pct", "margin_db")
        if (value := getattr(notice, name)) is not None
    }
    write(f"a network server's {notice.kind} message", device=notice.device, **told)


def _record(message: Message, rejection: Rejection) -> RejectedRecord:
    return reject(message, rejection.code, rejection.detail)
