"""What cameras have posted: stored many at a time, and each is told what became of it."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from ingest.refuse import reject
from ingest.source import Message
from ingest.writer import Admitted, Publish, Writer
from parking.db.records import Batch, RejectedRecord
from parking.errors import DatabaseUnavailable, Rejection

MOST_WAITING = 200
"""Posts that wait; the next is sent away to come again later, so nothing is held without bound."""
TOGETHER = 50
PATIENCE_S = 20.0
"""A post that is not stored by then is sent away; should it be stored after all, its copy changes nothing."""


@dataclass(frozen=True, slots=True)
class Stored:
    """What became of a post: how many vehicles it told of, and why something could not be used."""

    vehicles: int
    rejections: Sequence[RejectedRecord]


@dataclass(frozen=True, slots=True)
class _Post:
    message: Message
    unusable: Rejection | None
    done: asyncio.Future[Stored] = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class CameraInbox:
    """Stores posts with the writer that stores all else."""

    def __init__(self, writer: Writer, publish: Publish) -> None:
        self._writer = writer
        self._publish = publish
        # Whoever finds it full is told to come again later.
        self._posts: asyncio.Queue[_Post] = asyncio.Queue(MOST_WAITING)

    async def site_of(self, camera: str) -> str | None:
        """The site at whose gate the camera is. Raises DatabaseUnavailable."""
        try:
            async with asyncio.timeout(PATIENCE_S):
                return (await self._writer.learn()).site_of(camera)
        except TimeoutError:
            raise DatabaseUnavailable from None

    async def store(self, message: Message, unusable: Rejection | None = None) -> Stored:
        """Return once it is stored, or on record as rejected. Raises DatabaseUnavailable.

        `unusable` is why there is no message in what was posted.
        """
        if self._writer.trouble:
            raise DatabaseUnavailable
        post = _Post(message, unusable)
        try:
            self._posts.put_nowait(post)
            async with asyncio.timeout(PATIENCE_S):
                return await post.done
        except (asyncio.QueueFull, TimeoutError):
            raise DatabaseUnavailable from None

    async def run(self) -> None:
        """Store what comes, for as long as the task lives."""
        while True:
            posts = [await self._posts.get()]
            while len(posts) < TOGETHER and not self._posts.empty():
                posts.append(self._posts.get_nowait())
            # Who was sent away meanwhile sends again.
            waiting = [post for post in posts if not post.done.done()]
            if waiting:
                await self._store(waiting)

    async def _store(self, posts: Sequence[_Post]) -> None:
        admission = await self._writer.learn()
        batch, told = Batch(), []
        for post in posts:
            if post.unusable is None:
                one = admission.batch([post.message])
            else:
                why = post.unusable
                one = Batch(rejections=[reject(post.message, why.code, why.detail)])
            batch.gates.extend(one.gates)
            batch.rejections.extend(one.rejections)
            told.append(Stored(len(one.gates), one.rejections))
        await self._writer.write([post.message for post in posts], self._publish, Admitted(batch, admission))
        for post, stored in zip(posts, told, strict=True):
            if not post.done.done():
                post.done.set_result(stored)
