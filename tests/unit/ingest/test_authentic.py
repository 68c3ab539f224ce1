"""Sealed frames in bulk: what is genuine counts once, whatever is forged, recorded or redelivered."""

from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware_protocol import vectors
from firmware_protocol.codec import decode, encode
from firmware_protocol.frames import FrameType, HealthFrame, State, StateFrame
from firmware_protocol.sealed import Direction, seal
from firmware_protocol.window import SPAN, Window
from ingest.authentic import Checked, Verifier, settle
from parking.device_keys import cmac

SECRET, NEXT = bytes(range(16)), bytes(range(16, 32))
KEYS = {"ps-1": {1: SECRET, 2: NEXT}, "ps-2": {1: b"k" * 16}}


def event(seq: int, *, boot: int = 2, age_s: int = 3) -> bytes:
    return encode(
        StateFrame(type=FrameType.EVENT, state=State(seq % 2), boot=boot, seq=seq, age_s=age_s, previous_s=60)
    )


def sealed(
    body: bytes,
    counter: int,
    *,
    device: str = "ps-1",
    key: int = 1,
    secret: bytes | None = None,
    direction: Direction = Direction.UP,
) -> bytes:
    mac = partial(cmac, secret or KEYS[device][key])
    return seal(body, device=device, key=key, counter=counter, mac=mac, direction=direction)


def verify(*messages: tuple[str, bytes], windows: dict[tuple[str, int], Window] | None = None) -> Checked:
    return Verifier(KEYS).verify(messages, windows or {})


def codes(checked: Checked) -> list[tuple[int, str]]:
    return [(rejected.at, rejected.reason.code) for rejected in checked.rejected]


def test_what_is_authentic_comes_out_as_the_plain_frame() -> None:
    checked = verify(
        ("ps-1", sealed(event(1), 7)), ("plain-1", event(5)), ("ps-2", sealed(event(9), 0, device="ps-2"))
    )
    assert [
        (found.at, found.device, found.key, found.counter, found.body) for found in checked.authentic
    ] == [
        (0, "ps-1", 1, 7, event(1)),
        (2, "ps-2", 1, 0, event(9)),
    ]
    assert checked.plain == [1]
    assert checked.windows == {("ps-1", 1): Window(7, 1), ("ps-2", 1): Window(0, 1)}
    assert checked.counts() == {"authentic": 2, "plain": 1}


@pytest.mark.parametrize(
    ("device", "payload", "code"),
    [
        ("ps-1", event(1), "not_sealed"),
        ("ps-1", b"", "not_sealed"),
        ("ps-1", sealed(event(1), 1, key=9, secret=SECRET), "unknown_key"),
        ("plain-1", sealed(event(1), 1), "unknown_key"),
        ("ps-1", sealed(event(1), 1, secret=NEXT), "forged"),
        ("ps-2", sealed(event(1), 1), "forged"),
        ("ps-1", sealed(event(1), 1, direction=Direction.DOWN), "forged"),
        ("ps-1", b"\x17\x01" + bytes(11), "truncated"),
        ("ps-1", b"\x17\x01" + bytes(254), "too_long"),
    ],
)
def test_what_is_refused_has_a_code_of_its_own_and_leaves_the_windows(
    device: str, payload: bytes, code: str
) -> None:
    checked = verify((device, payload))
    assert codes(checked) == [(0, code)]
    assert checked.windows == {}
    assert checked.counts() == {code: 1}


@pytest.mark.parametrize("row", [row for row in vectors.load() if row.secret], ids=lambda row: row.name)
def test_published_frames_are_authentic_and_those_downwards_forged(row: vectors.Vector) -> None:
    assert row.secret is not None
    device = row.secret["device"]
    verifier = Verifier({device: {row.data[1]: bytes.fromhex(row.secret["key"])}})
    checked = verifier.verify([(device, row.data)], {})
    if row.secret["direction"] == "down":
        assert codes(checked) == [(0, "forged")]
    else:
        assert [found.body.hex() for found in checked.authentic] == [row.expected["sealed"]["body"]]


@given(st.data())
def test_no_bit_of_a_sealed_frame_can_be_changed(data: st.DataObject) -> None:
    genuine = sealed(event(1), 5)
    bit = data.draw(st.integers(0, 8 * len(genuine) - 1))
    changed = bytearray(genuine)
    changed[bit // 8] ^= 1 << bit % 8
    checked = verify(("ps-1", bytes(changed)))
    assert not checked.authentic
    assert not checked.windows


def test_both_keys_are_good_while_they_are_changed_and_each_has_its_window() -> None:
    first, second = sealed(event(1), 500), sealed(event(2), 0, key=2)
    checked = verify(("ps-1", first), ("ps-1", second))
    assert len(checked.authentic) == 2
    after = Verifier({"ps-1": {2: NEXT}}).verify([("ps-1", first), ("ps-1", second)], {})
    assert codes(after) == [(0, "unknown_key")]


def test_a_counter_within_the_window_may_come_late_and_once() -> None:
    order = [100, 37, 99, 37, 36, 100]
    checked = verify(*(("ps-1", sealed(event(n), n)) for n in order))
    assert [found.counter for found in checked.authentic] == [100, 37, 99]
    assert [found.counter for found in checked.repeated] == [37, 100]
    assert codes(checked) == [(4, "replayed")]  # 36 is 64 behind 100


def test_what_was_repeated_is_a_copy_if_stored_and_else_a_replay() -> None:
    health = encode(HealthFrame(boot=2))
    windows = {("ps-1", 1): Window(9, 0b1111)}
    checked = verify(
        ("ps-1", sealed(event(1), 9)),
        ("ps-1", sealed(event(2), 8)),
        ("ps-1", sealed(health, 7)),
        ("ps-1", sealed(b"\x99", 6)),
        windows=windows,
    )
    assert not checked.authentic
    assert not checked.windows
    copies, replays = settle(
        checked.repeated, lambda device, boot, seq: (device, boot, seq) == ("ps-1", 2, 1)
    )
    assert [found.at for found in copies] == [0, 2, 3]
    assert [(found.at, found.reason.code) for found in replays] == [(1, "replayed")]


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["ps-1", "ps-2", "plain-1"]), st.binary(max_size=40).map(lambda b: b"\x17" + b)
        )
        | st.tuples(st.sampled_from(["ps-1", "plain-1"]), st.binary(max_size=300)),
        max_size=20,
    )
)
def test_any_bytes_are_judged_and_none_of_them_authentic(messages: list[tuple[str, bytes]]) -> None:
    checked = verify(*messages)
    places = sorted(checked.plain + [rejected.at for rejected in checked.rejected])
    assert places == list(range(len(messages)))
    assert not checked.windows


def test_more_devices_than_macs_are_kept_begun_are_verified_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("ingest.authentic.MOST_BEGUN", 1)
    messages = [("ps-1", sealed(event(1), 1)), ("ps-2", sealed(event(1), 1, device="ps-2"))]
    verifier = Verifier(KEYS)
    for _ in range(2):
        assert len(verifier.verify(messages, {}).authentic) == 2


@dataclass
class Receiver:
    """An ingestor and its database: events and windows are stored together, and lost together in a crash."""

    stored: dict[tuple[str, int, int], int] = field(default_factory=dict)
    windows: dict[tuple[str, int], Window] = field(default_factory=dict)
    heard: list[tuple[str, int]] = field(default_factory=list)
    codes: list[str] = field(default_factory=list)

    def transaction(self, messages: list[tuple[str, bytes]], *, crash: bool) -> None:
        checked = Verifier(KEYS).verify(messages, self.windows)
        if crash:
            return
        for found in checked.authentic:
            frame = decode(found.body)
            assert isinstance(frame, StateFrame)
            self.stored[found.device, frame.boot, frame.seq] = found.counter
            self.heard.append((found.device, found.counter))
        _, replays = settle(checked.repeated, lambda *identity: identity in self.stored)
        self.codes += [rejected.reason.code for rejected in [*checked.rejected, *replays]]
        self.windows |= checked.windows


step = st.one_of(
    st.tuples(st.just("new"), st.integers(1, 3)),
    st.tuples(st.just("again"), st.integers(0, 30)),
    st.tuples(st.just("forged"), st.integers(0, 30)),
)


@settings(max_examples=150)
@given(st.lists(st.tuples(st.lists(step, max_size=5), st.booleans()), max_size=12))
def test_every_genuine_message_counts_once_through_crashes_copies_and_forgeries(
    batches: list[tuple[list[tuple[str, int]], bool]],
) -> None:
    """A batch that crashes is delivered again, as MQTT does; recorded messages are thrown in at any time."""
    receiver = Receiver()
    counter, sent, due = 0, list[Any](), list[tuple[str, bytes]]()
    for steps, crash in batches:
        messages = list(due)
        for kind, number in steps:
            if kind == "new":
                counter += number
                message = ("ps-1", sealed(event(len(sent) + 1), counter))
                sent.append(message)
                messages.append(message)
            elif sent and kind == "again":
                messages.append(sent[-1 - number % len(sent)])
            elif sent:
                device, payload = sent[-1 - number % len(sent)]
                messages.append((device, payload[:-1] + bytes((payload[-1] ^ 1,))))
        receiver.transaction(messages, crash=crash)
        due = messages if crash else []
    receiver.transaction(due, crash=False)
    assert sorted(receiver.stored) == [("ps-1", 2, number + 1) for number in range(len(sent))]
    assert len(receiver.heard) == len(set(receiver.heard)) == len(sent)
    assert set(receiver.codes) <= {"forged"} | ({"replayed"} if counter >= SPAN else set())
