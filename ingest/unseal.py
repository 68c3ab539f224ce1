"""The quick way in for sealed frames: as `ingest.frames` for plain ones, with each MAC verified first."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Final

from firmware_protocol.layout import STATE_SIZE
from firmware_protocol.sealed import OVERHEAD, SEALED_HEAD
from ingest.authentic import Verifier
from ingest.frames import FrameReader
from ingest.refuse import reject
from ingest.source import Message
from parking.db.records import Batch, SealedFrames
from parking.errors import Rejection
from parking.replay import Seal

SEALED_SIZE: Final = OVERHEAD + STATE_SIZE
"""Bytes of a state frame without optional values, sealed. Whatever has another size goes the general way."""
_LEVELS: Final = ["parking", "v1", "bay", "up"]


class SealedReader:
    """Takes sealed state frames of registered devices on their own topics; passes over everything else."""

    def __init__(self, slots: Mapping[str, Mapping[str, int]], verifier: Verifier) -> None:
        """`slots` are those of the devices that have a key, by site and device."""
        self._verifier = verifier
        self._frames = FrameReader(slots)

    def read(self, messages: Sequence[Message], batch: Batch) -> list[Message]:
        """Put into the batch what it takes, or refuses; the other messages."""
        rest: list[Message] = []
        opened: list[Message] = []
        around: list[Message] = []
        seals: list[Seal] = []
        verify = self._verifier.open
        for message in messages:
            topic, payload = message.topic, message.payload
            if len(payload) == SEALED_SIZE and payload[0] == SEALED_HEAD and not message.retained:
                level = topic.split("/")
                if len(level) == 6 and [level[0], level[1], level[3], level[5]] == _LEVELS:
                    try:
                        seal, body = verify(level[4], payload)
                    except Rejection as refused:
                        batch.rejections.append(reject(message, refused.code, refused.detail))
                        continue
                    opened.append(Message(topic, body, message.received_us, False, 0, 0))
                    around.append(message)
                    seals.append(seal)
                    continue
            rest.append(message)
        if opened:
            rest += self._take(opened, around, seals, batch)
        return rest

    def _take(
        self, opened: list[Message], around: list[Message], seals: list[Seal], batch: Batch
    ) -> list[Message]:
        """Read the plain frames as columns; the messages whose frame is not plainly good are left."""
        frames, odd = self._frames.read(opened)
        passed = {id(message) for message in odd}
        taken = [place for place, message in enumerate(opened) if id(message) not in passed]
        if taken:
            refuse = [partial(reject, around[place]) for place in taken]
            batch.sealed.append(SealedFrames(frames, [seals[place] for place in taken], list(refuse)))
        return [around[place] for place, message in enumerate(opened) if id(message) in passed]
