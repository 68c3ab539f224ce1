"""The main loop: take messages, make a batch of them, store it, acknowledge it.

Theory of operation. Two tasks. One takes messages and decodes them while the other waits for the database to
store the batch before. Between them waits at most one batch; when it does, no more is taken, and the broker
holds what comes. Batches are stored and acknowledged in the order in which they came.
"""

import asyncio
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from ingest.clock import Clock
from ingest.faultpoint import AFTER_ACKNOWLEDGE, AFTER_COMMIT, HALF_ACKNOWLEDGED, FaultPoint
from ingest.metrics import Metrics
from ingest.share import Share
from ingest.source import Message, Source
from ingest.writer import Admitted, Publish, Writer
from parking.db.records import Batch
from parking.settings import Settings

CAUGHT_UP_S = 5.0
"""Numbers count as current while all that had arrived this long ago is stored (seconds)."""
SLICE_MESSAGES, SLICE_BYTES = 250, 1 << 16
"""Most that is decoded without a break, so that the other tasks are not kept waiting."""


@dataclass(frozen=True, slots=True)
class _Taken:
    """Messages on their way to the database; `last` of those that were taken together.

    `all_by` is when these were all that there was, by the monotonic clock; None if there was more.
    """

    messages: Sequence[Message]
    admitted: Admitted
    last: bool
    all_by: float | None


class Consumer:
    """Moves messages from a source to the writer, for as long as its task lives."""

    def __init__(
        self,
        settings: Settings,
        source: Source,
        writer: Writer,
        publish: Publish,
        metrics: Metrics,
        *,
        clock: Clock,
        share: Share,
        faults: FaultPoint,
    ) -> None:
        self._settings = settings
        self._source = source
        self._writer = writer
        self._publish = publish
        self._metrics = metrics
        self._clock = clock
        self._share = share
        self._faults = faults
        # One batch waits here while another is stored; then taking waits.
        self._taken: asyncio.Queue[_Taken] = asyncio.Queue(1)
        self._under_way = 0
        self._caught_up = time.monotonic()
        self.heard_at: datetime | None = None
        self.stored_at: datetime | None = None

    async def run(self) -> None:
        """Take, store, acknowledge."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._take_all(), name="take")
            tasks.create_task(self._store_all(), name="store")

    @property
    def idle(self) -> bool:
        """Whether everything that has arrived is stored."""
        return not self.waiting

    @property
    def waiting(self) -> int:
        """Messages that have arrived and are not stored yet."""
        return self._source.waiting + self._under_way

    @property
    def behind_s(self) -> float:
        """For how long something has been arriving faster than it is stored."""
        return 0.0 if self.idle else time.monotonic() - self._caught_up

    def current(self) -> bool:
        """Whether what is published can be taken as the present: connected, and not far behind."""
        return self._source.connected and self.behind_s < CAUGHT_UP_S

    async def _take_all(self) -> None:
        settings, source = self._settings, self._source
        while True:
            if self.idle:
                self._caught_up = time.monotonic()
            messages = await source.take(most=settings.batch_size, wait_s=settings.batch_ms / 1000)
            if not self._under_way:
                self._caught_up = time.monotonic()
            self.heard_at = self._clock.now()
            self._under_way += len(messages)
            self._metrics.received.inc(len(messages))
            # While the broker may not send more it may have more.
            all_by = None if source.waiting or source.full else time.monotonic()
            await self._decode(messages, all_by)

    async def _decode(self, messages: Sequence[Message], all_by: float | None) -> None:
        """Hand over batches of not too many events."""
        admission, batch, begun = await self._writer.learn(), Batch(), 0
        started = time.perf_counter()
        for first, end in _slices(messages):
            admission.add(self._ours(messages[first:end]), batch)
            await asyncio.sleep(0)
            last = end == len(messages)
            if last or batch.observations >= self._settings.batch_events:
                part = messages[begun:end]
                self._metrics.decode_seconds.observe(time.perf_counter() - started)
                await self._taken.put(_Taken(part, Admitted(batch, admission), last, all_by))
                batch, begun, started = Batch(), end, time.perf_counter()

    def _ours(self, messages: Sequence[Message]) -> Sequence[Message]:
        """Those of our share; another ingestor stores the others, so that they are only acknowledged."""
        if self._share.whole:
            return messages
        owns = self._share.owns
        return [message for message in messages if owns(message.topic)]

    async def _store_all(self) -> None:
        while True:
            taken = await self._taken.get()
            ours = self._ours(taken.messages)
            if ours:
                await self._writer.write(ours, self._publish, taken.admitted)
            await self._acknowledge(taken.messages)
            self._under_way -= len(taken.messages)
            self.stored_at = self._clock.now()
            if taken.last and taken.all_by is not None:
                self._caught_up = taken.all_by

    async def _acknowledge(self, messages: Sequence[Message]) -> None:
        faults, source = self._faults, self._source
        faults.reach(AFTER_COMMIT)
        if faults.armed(HALF_ACKNOWLEDGED):
            half = len(messages) // 2
            source.acknowledge(messages[:half])
            await asyncio.sleep(0)  # that half is with the operating system
            faults.reach(HALF_ACKNOWLEDGED)
            messages = messages[half:]
        source.acknowledge(messages)
        faults.reach(AFTER_ACKNOWLEDGE)
        self._metrics.acknowledged.inc(len(messages))


def _slices(messages: Sequence[Message]) -> Iterator[tuple[int, int]]:
    """First and end of slices of not too many messages and bytes."""
    first = size = 0
    for number, message in enumerate(messages, 1):
        size += len(message.payload)
        if number - first >= SLICE_MESSAGES or size >= SLICE_BYTES or number == len(messages):
            yield first, number
            first, size = number, 0
