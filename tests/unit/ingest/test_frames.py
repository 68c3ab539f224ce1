"""The quick way in reads exactly what the general one reads, and leaves to it whatever is odd."""

import time
from dataclasses import astuple
from datetime import timedelta
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from firmware_protocol import codec
from firmware_protocol.frames import Bundle, BundleEntry, FrameType, State, StateFrame, Tlv
from ingest.admit import Admission, Rules
from ingest.frames import FrameReader
from ingest.source import Message
from parking.columns import concatenate
from parking.db.known import Known
from parking.db.records import Batch
from parking.db.registry import Directory, Watch
from parking.db.table import BayTable, tabulate
from parking.model import Direction

NOW_US = time.time_ns() // 1000
RULES = Rules(timedelta(days=7), timedelta(seconds=120))
DEVICES = [f"dev-{i}" for i in range(4)]
TABLE = BayTable(slots={f"bay-{i}": i for i in range(4)}, bays=[f"bay-{i}" for i in range(4)])
DIRECTORY = Directory(
    {device: Watch("parking-v1", f"bay-{i}", "site") for i, device in enumerate(DEVICES)},
    {"camera": ("site", Direction.IN)},
)

frames = st.builds(
    StateFrame,
    type=st.sampled_from([FrameType.EVENT, FrameType.HEARTBEAT, FrameType.BOOT]),
    state=st.sampled_from(State),
    boot=st.integers(0, 255),
    seq=st.integers(0, 65535),
    age_s=st.integers(0, 40_000),
    previous_s=st.none() | st.integers(0, 3_000_000),
    battery_v=st.none() | st.integers(200, 454).map(lambda centivolts: centivolts / 100),
    temperature_c=st.none() | st.integers(-127, 127),
    calibrating=st.booleans(),
    battery_low=st.booleans(),
    tlvs=st.just(()) | st.just((Tlv(200, b"x"),)),
).map(codec.encode)
device = st.sampled_from([*DEVICES, "unknown"])
bundles = st.lists(
    st.tuples(device, st.integers(0, 40_000), frames), min_size=0, max_size=6
).map(lambda entries: codec.encode_bundle(
    Bundle(tuple(BundleEntry(name, delay, codec.decode(frame)) for name, delay, frame in entries))
))  # fmt: skip
odd = st.binary(max_size=30)
TOPICS = [f"parking/v1/site/bay/{name}/up" for name in [*DEVICES, "unknown"]] + [
    "parking/v1/other/bay/dev-0/up",
    "parking/v1/site/gateway/g1/up",
    "parking/v1/site/gateway/g1/down",
    "parking/v1/x/gateway/g1/up",
]
messages = st.builds(
    lambda topic, payload, retained: Message(topic, payload, NOW_US, retained, 1, 1),
    st.sampled_from(TOPICS),
    frames | bundles | odd | st.tuples(frames, odd).map(b"".join),
    st.sampled_from([False, False, False, True]),
)


class _NothingQuick:
    def read(self, messages: list[Message]) -> Any:
        return FrameReader({}).read(messages)


def _admitted(messages: list[Message], *, quick: bool) -> Batch:
    admission = Admission(Known(DIRECTORY, TABLE), RULES, None)
    if not quick:
        admission._frames = _NothingQuick()  # type: ignore[assignment]
    return admission.batch(messages)


def _rows(batch: Batch) -> list[tuple[float, ...]]:
    """All observations as rows, in an order of their own; NaN as a number that equals itself."""
    columns = astuple(concatenate([*batch.frames, tabulate(TABLE, batch.bays)]))
    return sorted(
        tuple(row) for row in np.nan_to_num(np.array(columns, dtype=np.float64).T, nan=-999).tolist()
    )


@given(st.lists(messages, max_size=12))
def test_both_ways_read_the_same(given_messages: list[Message]) -> None:
    quick, general = _admitted(given_messages, quick=True), _admitted(given_messages, quick=False)
    assert _rows(quick) == _rows(general)
    assert sorted(map(repr, quick.rejections)) == sorted(map(repr, general.rejections))


def test_plain_frames_take_the_quick_way() -> None:
    frame = codec.encode(StateFrame(type=FrameType.EVENT, state=State.OCCUPIED, boot=1, seq=2, age_s=3))
    message = Message("parking/v1/site/bay/dev-1/up", frame, NOW_US, False, 1, 1)
    batch = _admitted([message] * 3, quick=True)
    assert [len(part) for part in batch.frames] == [3]
    assert batch.bays == []
