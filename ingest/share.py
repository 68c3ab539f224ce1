"""Which messages are this ingestor's, where several share the work."""

from dataclasses import dataclass

from parking.parts import part_of
from parking.settings import Settings


@dataclass(frozen=True, slots=True)
class Share:
    """The `number`th (from 1) of `count` shares. Every topic belongs to exactly one of them, for ever.

    All of our own topics of one site belong together, and so do all messages of one LoRaWAN device.
    """

    number: int = 1
    count: int = 1

    @property
    def whole(self) -> bool:
        """Whether everything is ours."""
        return self.count == 1

    def owns(self, topic: str) -> bool:
        """Whether we store the messages of this topic."""
        level = topic.split("/", 3)
        return self._has(level[2] if len(level) == 4 and level[0] == "parking" else topic)

    def owns_site(self, site: str) -> bool:
        """Whether we publish this site's number."""
        return self._has(site)

    def _has(self, key: str) -> bool:
        return part_of(key, self.count) == self.number - 1


def share_of(settings: Settings) -> Share:
    """PARKING_INGEST_SHARD."""
    number, _, count = settings.ingest_shard.partition("/")
    return Share(int(number), int(count))
