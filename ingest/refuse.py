"""The record of a message that cannot be used. A plate is never in it."""

from firmware_protocol import topics
from firmware_protocol.layout import VERSION
from ingest.source import Message
from parking.db.records import RejectedRecord

KEPT_BYTES = 256
"""Bytes of a rejected message that are kept, where no plate can be in it."""
KEPT_TOPIC = 512
"""Characters of its topic that are kept."""


def reject(message: Message, code: str, detail: str) -> RejectedRecord:
    """The record of a message that cannot be used."""
    return RejectedRecord(
        received_at=message.received_at,
        topic=message.topic[:KEPT_TOPIC],
        code=code,
        detail=detail,
        size=len(message.payload),
        payload=message.payload[:KEPT_BYTES] if _is_frame(message) else None,
        packet_id=message.mid,
        delivered_again=message.again,
    )


def _is_frame(message: Message) -> bool:
    """Whether these are binary frames of sensors, where they belong. Anything else might hold a plate.

    A frame begins with a byte below the printable ones, so a camera's text on a sensor's topic is none.
    """
    topic = topics.parse(message.topic)
    is_uplink = topic is not None and topic.kind in ("bay", "gateway") and topic.leaf == "up"
    return is_uplink and bool(message.payload) and message.payload[0] >> 4 == VERSION
