"""The Python codec: vectors both ways, round trips, and any bytes at all."""

import dataclasses
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_protocol import vectors
from firmware_protocol.codec import decode, decode_bundle, encode, encode_bundle
from firmware_protocol.commands import encode_command
from firmware_protocol.frames import (
    AckFrame,
    Bundle,
    BundleEntry,
    Frame,
    FrameError,
    FrameType,
    HealthFrame,
    State,
    StateFrame,
    Tlv,
)
from firmware_protocol.layout import MAX_DURATION_S

VECTORS = list(vectors.load())
CANONICAL = [row for row in VECTORS if row.canonical and not {"error", "sealed"} & set(row.expected)]
OCCUPIED = StateFrame(type=FrameType.EVENT, state=State.OCCUPIED, boot=2, seq=1, age_s=4)

durations = st.integers(0, 32_767) | st.integers(547, 32_767).map(lambda minutes: minutes * 60)
volts = st.none() | st.integers(200, 454).map(lambda hundredths: hundredths / 100)
degrees = st.none() | st.integers(-127, 127)
tlvs = st.lists(st.builds(Tlv, st.integers(0, 255), st.binary(max_size=20)), max_size=5).map(tuple)
state_frames = st.builds(
    StateFrame,
    type=st.sampled_from((FrameType.EVENT, FrameType.HEARTBEAT, FrameType.BOOT)),
    state=st.sampled_from(State),
    boot=st.integers(0, 255),
    seq=st.integers(0, 65_535),
    age_s=durations,
    previous_s=st.none() | durations,
    battery_v=volts,
    temperature_c=degrees,
    battery_low=st.booleans(),
    calibrating=st.booleans(),
    tlvs=tlvs,
)
health_frames = st.builds(
    HealthFrame,
    boot=st.integers(0, 255),
    battery_v=volts,
    temperature_c=degrees,
    battery_low=st.booleans(),
    calibrating=st.booleans(),
    tlvs=tlvs,
)
acks = st.builds(
    AckFrame,
    boot=st.integers(0, 255),
    command=st.integers(0, 0xFFFF_FFFF),
    outcome=st.integers(0, 255),
    tlvs=tlvs,
)
frames = state_frames | health_frames | acks
devices = st.text("abcdefghijklmnopqrstuvwxyz0123456789._-", min_size=1, max_size=32)
bundles = st.builds(
    Bundle, st.lists(st.builds(BundleEntry, devices, durations, frames), max_size=6).map(tuple), tlvs
)
first_bytes = st.sampled_from((b"\x11", b"\x12", b"\x13", b"\x14", b"\x15"))
hostile = st.binary(max_size=300) | st.builds(bytes.__add__, first_bytes, st.binary(max_size=80))


def health(data: bytes) -> HealthFrame:
    frame = decode(data)
    assert isinstance(frame, HealthFrame)
    return frame


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector.name)
def test_vector_decodes_as_published(vector: vectors.Vector) -> None:
    assert vectors.describe(vector.data) == vector.expected


@pytest.mark.parametrize("vector", CANONICAL, ids=lambda vector: vector.name)
def test_canonical_vector_encodes_to_its_bytes(vector: vectors.Vector) -> None:
    if "bundle" in vector.expected:
        assert encode_bundle(vectors.bundle_from_fields(vector.expected["bundle"])) == vector.data
    elif "command" in vector.expected:
        assert encode_command(vectors.command_from_fields(vector.expected["command"])) == vector.data
    else:
        assert encode(vectors.frame_from_fields(vector.expected["frame"])) == vector.data


@given(frames)
def test_frame_comes_back_as_it_went(frame: Frame) -> None:
    assert decode(encode(frame)) == frame


@given(bundles)
def test_bundle_comes_back_as_it_went(bundle: Bundle) -> None:
    assert decode_bundle(encode_bundle(bundle)) == bundle


@given(hostile)
def test_any_bytes_give_a_frame_or_a_frame_error(data: bytes) -> None:
    try:
        frame = decode(data)
    except FrameError:
        return
    assert decode(encode(frame)) == frame


@given(hostile)
def test_any_bytes_give_a_bundle_or_a_frame_error(data: bytes) -> None:
    try:
        bundle = decode_bundle(data)
    except FrameError:
        return
    assert all(
        isinstance(entry.frame, FrameError | StateFrame | HealthFrame | AckFrame) for entry in bundle.entries
    )


@given(frames, st.data())
def test_truncated_frame_is_an_error_or_lacks_whole_values(frame: Frame, data: st.DataObject) -> None:
    whole = encode(frame)
    cut = whole[: data.draw(st.integers(0, len(whole) - 1))]
    try:
        shorter = decode(cut)
    except FrameError as caught:
        code = caught.code
    else:
        kept = len(shorter.tlvs)
        assert kept < len(frame.tlvs)
        assert shorter == dataclasses.replace(frame, tlvs=frame.tlvs[:kept])
        return
    fixed = len(whole) - sum(2 + len(tlv.value) for tlv in frame.tlvs)
    assert code == ("truncated" if len(cut) < fixed else "bad_tlv")


@given(bundles, st.data())
def test_truncated_bundle_keeps_the_entries_before_the_cut(bundle: Bundle, data: st.DataObject) -> None:
    whole = encode_bundle(bundle)
    cut = decode_bundle(whole[: data.draw(st.integers(4, len(whole)))])
    assert cut.entries == bundle.entries[: len(cut.entries)]
    lost = len(cut.entries) < len(bundle.entries)
    assert (cut.error is not None and cut.error.code == "truncated") == lost


@given(bundles, st.binary(max_size=40), st.integers(0, 6))
def test_bad_entry_leaves_the_others_alone(bundle: Bundle, raw: bytes, at: int) -> None:
    bad = BundleEntry("bad", 1, FrameError("bad_version", "from a device of the future"), b"\x21" + raw)
    at = min(at, len(bundle.entries))
    mixed = Bundle((*bundle.entries[:at], bad, *bundle.entries[at:]), bundle.tlvs)
    back = decode_bundle(encode_bundle(mixed))
    assert (*back.entries[:at], *back.entries[at + 1 :]) == bundle.entries
    assert back.entries[at].raw == b"\x21" + raw
    error = back.entries[at].frame
    assert isinstance(error, FrameError)
    assert error.code == "bad_version"


@given(st.integers(0, 10_000_000))
def test_age_is_exact_then_to_the_minute_then_held(age_s: int) -> None:
    back = decode(encode(dataclasses.replace(OCCUPIED, age_s=age_s)))
    assert isinstance(back, StateFrame)
    if age_s <= 32_767:
        assert back.age_s == age_s
    elif age_s <= MAX_DURATION_S:
        assert 0 <= age_s - back.age_s < 60
    else:
        assert back.age_s == MAX_DURATION_S


@pytest.mark.parametrize(
    ("given_v", "sent_v"),
    [(-1.0, 2.0), (1.9, 2.0), (3.604, 3.6), (3.606, 3.61), (5.0, 4.54), (math.inf, 4.54), (-math.inf, 2.0)],
)
def test_voltage_is_rounded_and_held_within_its_range(given_v: float, sent_v: float) -> None:
    assert health(encode(HealthFrame(boot=1, battery_v=given_v))).battery_v == sent_v


@pytest.mark.parametrize(("given_c", "sent_c"), [(-200, -127), (-128, -127), (200, 127)])
def test_temperature_is_held_within_its_range(given_c: int, sent_c: int) -> None:
    assert health(encode(HealthFrame(boot=1, temperature_c=given_c))).temperature_c == sent_c


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        (dataclasses.replace(OCCUPIED, type=FrameType.BUNDLE), "bad_type"),
        (dataclasses.replace(OCCUPIED, type=FrameType.HEALTH), "bad_type"),
        (dataclasses.replace(OCCUPIED, boot=256), "bad_value"),
        (dataclasses.replace(OCCUPIED, boot=-1), "bad_value"),
        (dataclasses.replace(OCCUPIED, seq=65_536), "bad_value"),
        (dataclasses.replace(OCCUPIED, age_s=-1), "bad_value"),
        (dataclasses.replace(OCCUPIED, previous_s=-1), "bad_value"),
        (dataclasses.replace(OCCUPIED, battery_v=math.nan), "bad_value"),
        (dataclasses.replace(OCCUPIED, tlvs=(Tlv(256, b""),)), "bad_value"),
        (dataclasses.replace(OCCUPIED, tlvs=(Tlv(1, bytes(256)),)), "too_long"),
        (dataclasses.replace(OCCUPIED, tlvs=(Tlv(1, bytes(243)),)), "too_long"),
    ],
)
def test_encoder_refuses_what_does_not_fit(frame: Frame, code: str) -> None:
    with pytest.raises(FrameError) as caught:
        encode(frame)
    assert caught.value.code == code


@pytest.mark.parametrize("device", ["", "A", "a/b", "a+", "ä", "a" * 33, "a\n"])
def test_bundle_encoder_refuses_a_device_id_that_is_no_topic_level(device: str) -> None:
    with pytest.raises(FrameError) as caught:
        encode_bundle(Bundle((BundleEntry(device, 0, OCCUPIED),)))
    assert caught.value.code == "bad_device"


def test_bundle_encoder_refuses_more_than_a_bundle_holds() -> None:
    with pytest.raises(FrameError) as caught:
        encode_bundle(Bundle((BundleEntry("a", 0, OCCUPIED),) * 5000))
    assert caught.value.code == "too_long"


def test_payload_of_a_megabyte_is_too_long() -> None:
    for head in (b"\x11", b"\x14"):
        with pytest.raises(FrameError) as caught:
            decode(head + bytes(1_000_000))
        assert caught.value.code == "too_long"
    with pytest.raises(FrameError) as caught:
        decode_bundle(b"\x15" + bytes(1_000_000))
    assert caught.value.code == "too_long"


def test_frame_where_a_bundle_is_expected_is_a_bad_type() -> None:
    with pytest.raises(FrameError) as caught:
        decode_bundle(encode(OCCUPIED))
    assert str(caught.value) == "bad_type: type 1 is not a bundle"


def test_bundle_where_a_frame_is_expected_is_a_bad_type() -> None:
    with pytest.raises(FrameError) as caught:
        decode(encode_bundle(Bundle(())))
    assert caught.value.code == "bad_type"
