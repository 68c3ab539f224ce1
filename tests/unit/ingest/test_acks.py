"""Answers to commands on their way through the ingestor: they say nothing of a bay, and harm nothing."""

from datetime import UTC, datetime

from firmware_protocol.codec import encode, encode_bundle
from firmware_protocol.frames import AckFrame, Bundle, BundleEntry, FrameType, Outcome, State, StateFrame
from ingest.adapters import parking_v1
from ingest.decode import decode
from parking.model import BayObservation

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
ACK = AckFrame(boot=1, command=77, outcome=Outcome.DONE)
EVENT = StateFrame(type=FrameType.EVENT, state=State.OCCUPIED, boot=1, seq=1, age_s=3)


class NoRegistry:
    """Knows no device."""

    def codec(self, device: str) -> str | None:
        return None


def test_an_ack_on_a_bays_topic_is_ignored_and_not_rejected() -> None:
    found = decode("parking/v1/a/bay/ps-1/up", encode(ACK), received_at=NOON, directory=NoRegistry())
    assert found.observations == ()
    assert found.rejections == ()
    assert found.ignored == "the answer to a command says nothing of the bay"


def test_an_ack_in_a_bundle_leaves_the_frames_beside_it() -> None:
    bundle = Bundle((BundleEntry("ps-1", 0, ACK), BundleEntry("ps-2", 0, EVENT)))
    topic = "parking/v1/a/gateway/gw/up"
    found = decode(topic, encode_bundle(bundle), received_at=NOON, directory=NoRegistry())
    (seen,) = found.observations
    assert isinstance(seen, BayObservation)
    assert seen.device == "ps-2"
    assert found.rejections == ()


def test_an_ack_over_lorawan_gives_no_reading() -> None:
    assert parking_v1.decode(encode(ACK), None) == ()
