"""Sealed frames on their way to a batch: only what is a device's own comes through, whatever is sent."""

import time
from dataclasses import astuple
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_protocol import vectors
from firmware_protocol.codec import encode, encode_bundle
from firmware_protocol.frames import (
    AckFrame,
    Bundle,
    BundleEntry,
    FrameError,
    FrameType,
    HealthFrame,
    State,
    StateFrame,
    Tlv,
)
from firmware_protocol.sealed import Direction
from ingest.admit import Admission, Rules
from ingest.authentic import Verifier, secret_print
from ingest.source import Message
from parking.columns import concatenate
from parking.db.known import Known
from parking.db.records import Batch
from parking.db.registry import Directory, Watch
from parking.db.table import BayTable, tabulate
from parking.errors import Rejection
from tests.support.sealing import event, sealed

SECRET, NEXT, OTHER = bytes(range(16)), bytes(range(16, 32)), b"k" * 16
KEYS = {"ps-1": {1: SECRET, 2: NEXT}, "ps-2": {1: OTHER}}
NOW_US = time.time_ns() // 1000
DEVICES = ["ps-1", "ps-2", "plain-1"]
TABLE = BayTable(slots={f"bay-{i}": i for i in range(3)}, bays=[f"bay-{i}" for i in range(3)])
DIRECTORY = Directory(
    {device: Watch("parking-v1", f"bay-{i}", "site") for i, device in enumerate(DEVICES)}, {}
)


def own(body: bytes, counter: int, *, key: int = 1, secret: bytes = SECRET) -> bytes:
    """What ps-1 seals."""
    return sealed(body, counter, secret=secret, device="ps-1", key=key)


def message(device: str, payload: bytes, *, site: str = "site") -> Message:
    return Message(f"parking/v1/{site}/bay/{device}/up", payload, NOW_US, False, 1, 1)


def admitted(*messages: Message, quick: bool = True) -> Batch:
    admission = Admission(
        Known(DIRECTORY, TABLE),
        Rules(timedelta(days=7), timedelta(minutes=2)),
        None,
        verifier=Verifier(KEYS),
    )
    if not quick:
        admission._sealed = _NothingQuick()  # type: ignore[assignment]
    return admission.batch(messages)


class _NothingQuick:
    def read(self, messages: list[Message], batch: Batch) -> list[Message]:
        return list(messages)


def codes(batch: Batch) -> list[str]:
    return [rejection.code for rejection in batch.rejections]


def counters(batch: Batch) -> list[int]:
    records = [record.seal.counter for record in batch.bays if record.seal is not None]
    return sorted([seal.counter for part in batch.sealed for seal in part.seals] + records)


def test_what_is_authentic_comes_out_as_the_plain_frame() -> None:
    opened = Verifier(KEYS).open("ps-1", own(event(1), 7))
    assert opened.body == event(1)
    assert opened.seal == ("ps-1", 1, secret_print(SECRET), 7)


@pytest.mark.parametrize(
    ("device", "payload", "code"),
    [
        ("ps-1", event(1), "not_sealed"),
        ("ps-1", own(event(1), 1, key=9), "unknown_key"),
        ("plain-1", own(event(1), 1), "unknown_key"),
        ("nobody", own(event(1), 1), "unknown_key"),
        ("ps-1", own(event(1), 1, secret=NEXT), "forged"),
        ("ps-2", own(event(1), 1), "forged"),
        ("ps-1", sealed(event(1), 1, secret=SECRET, device="ps-1", direction=Direction.DOWN), "forged"),
        ("ps-1", b"\x17\x01" + bytes(11), "truncated"),
        ("ps-1", b"\x17\x01" + bytes(254), "too_long"),
        ("ps-1", own(b"\x99", 1), "bad_version"),
        ("ps-1", encode(HealthFrame(boot=2)), "not_sealed"),
    ],
)
def test_what_is_refused_has_a_code_of_its_own_and_tells_nothing(
    device: str, payload: bytes, code: str
) -> None:
    for quick in (True, False):
        batch = admitted(message(device, payload), quick=quick)
        assert codes(batch) == [code]
        assert batch.observations == 0


def test_a_frame_on_another_sites_topic_is_refused_though_it_is_genuine() -> None:
    assert codes(admitted(message("ps-1", own(event(1), 1), site="elsewhere"))) == ["wrong_site"]


def test_a_device_with_a_key_may_not_speak_plain_by_any_way() -> None:
    uplink = b'{"deviceInfo":{"devEui":"a84041000181c061"},"fCnt":1,"fPort":2,"data":"EQECAAEABAAAofw="}'
    watch = Watch("parking-v1", "bay-0", "site")
    for eui in ("a84041000181c061", "A84041000181C061"):
        admission = Admission(
            Known(Directory({"a84041000181c061": watch}, {}), TABLE),
            Rules(timedelta(days=7), timedelta(minutes=2)),
            None,
            verifier=Verifier({eui: {1: SECRET}}),
        )
        batch = admission.batch(
            [Message("application/1/device/a84041000181c061/event/up", uplink, NOW_US, False, 1, 1)]
        )
        assert (codes(batch), batch.observations) == (["not_sealed"], 0)


@pytest.mark.parametrize("row", [row for row in vectors.load() if row.secret], ids=lambda row: row.name)
def test_published_frames_are_authentic_and_those_downwards_forged(row: vectors.Vector) -> None:
    assert row.secret is not None
    device = row.secret["device"]
    verifier = Verifier({device: {row.data[1]: bytes.fromhex(row.secret["key"])}})
    if row.secret["direction"] == "down":
        with pytest.raises(Rejection, match=r"^forged"):
            verifier.open(device, row.data)
    else:
        assert verifier.open(device, row.data).body.hex() == row.expected["sealed"]["body"]


@given(st.data())
def test_no_bit_of_a_sealed_frame_can_be_changed(data: st.DataObject) -> None:
    genuine = own(event(1), 5)
    bit = data.draw(st.integers(0, 8 * len(genuine) - 1))
    changed = bytearray(genuine)
    changed[bit // 8] ^= 1 << bit % 8
    batch = admitted(message("ps-1", bytes(changed)))
    assert batch.observations == 0
    assert len(batch.rejections) == 1


def test_both_keys_are_good_while_they_are_changed() -> None:
    first, second = message("ps-1", own(event(1), 500)), message("ps-1", own(event(2), 0, key=2, secret=NEXT))
    batch = admitted(first, second)
    assert (counters(batch), codes(batch)) == ([0, 500], [])
    assert len({seal.window for part in batch.sealed for seal in part.seals}) == 2


def test_a_gateway_forwards_sealed_frames_and_plain_ones_of_devices_without_a_key() -> None:
    entries = (
        ("ps-1", own(event(1), 7)),
        ("plain-1", event(2)),
        ("ps-2", event(3)),
        ("ps-2", own(event(3), 8)),
        ("ps-1", own(encode(AckFrame(boot=1, command=3, outcome=0)), 9)),
    )
    bundle = Bundle(
        tuple(BundleEntry(device, 5, FrameError("bad_type", "sealed"), raw) for device, raw in entries)
    )
    topic = "parking/v1/site/gateway/g-1/up"
    batch = admitted(Message(topic, encode_bundle(bundle), NOW_US, False, 1, 1))
    assert [(r.bay, r.seal and r.seal.counter) for r in batch.bays] == [("bay-0", 7), ("bay-2", None)]
    assert sorted(codes(batch)) == ["forged", "not_sealed"]


@given(
    st.lists(
        st.tuples(st.sampled_from([*DEVICES, "nobody"]), st.binary(max_size=40).map(lambda b: b"\x17" + b))
        | st.tuples(st.sampled_from(["ps-1", "ps-2"]), st.binary(max_size=300)),
        max_size=20,
    )
)
def test_any_bytes_are_judged_and_none_of_them_authentic(pairs: list[tuple[str, bytes]]) -> None:
    batch = admitted(*(message(device, payload) for device, payload in pairs))
    assert batch.observations == 0
    assert len(batch.rejections) == len(pairs)


frames = st.builds(
    StateFrame,
    type=st.sampled_from([FrameType.EVENT, FrameType.HEARTBEAT, FrameType.BOOT]),
    state=st.sampled_from(State),
    boot=st.integers(0, 255),
    seq=st.integers(0, 65535),
    age_s=st.integers(0, 40_000),
    previous_s=st.none() | st.integers(0, 3_000_000),
    tlvs=st.just(()) | st.just((Tlv(200, b"x"),)),
).map(encode)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(DEVICES),
            frames | st.binary(min_size=1, max_size=30),
            st.integers(0, 99),
            st.sampled_from([SECRET, OTHER]),
        ),
        max_size=12,
    )
)
def test_both_ways_read_the_same(sent: list[tuple[str, bytes, int, bytes]]) -> None:
    messages = []
    for device, body, counter, secret in sent:
        try:
            payload = sealed(body, counter, secret=secret, device=device)
        except FrameError:
            payload = body
        messages.append(message(device, payload))
    quick, general = admitted(*messages), admitted(*messages, quick=False)
    assert _rows(quick) == _rows(general)
    assert counters(quick) == counters(general)
    assert sorted(map(repr, quick.rejections)) == sorted(map(repr, general.rejections))


def _rows(batch: Batch) -> list[tuple[float, ...]]:
    parts = [part.frames for part in batch.sealed]
    columns = astuple(concatenate([*batch.frames, *parts, tabulate(TABLE, batch.bays)]))
    return sorted(
        tuple(row) for row in np.nan_to_num(np.array(columns, dtype=np.float64).T, nan=-999).tolist()
    )


def test_plain_state_frames_in_their_seals_take_the_quick_way() -> None:
    batch = admitted(*(message("ps-1", own(event(n), n)) for n in range(3)))
    assert [len(part.frames) for part in batch.sealed] == [3]
    assert batch.bays == []


def test_more_devices_than_macs_are_kept_begun_are_verified_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("ingest.authentic.MOST_BEGUN", 1)
    verifier = Verifier(KEYS)
    for _ in range(2):
        assert verifier.open("ps-1", own(event(1), 1)).body == event(1)
        theirs = sealed(event(1), 1, secret=OTHER, device="ps-2")
        assert verifier.open("ps-2", theirs).body == event(1)
