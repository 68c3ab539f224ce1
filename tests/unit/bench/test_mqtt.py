"""The benchmark's MQTT packets, byte by byte, and however the stream is cut."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench import mqtt
from bench.mqtt import Credentials, Session, WireError

MESSAGES = st.lists(
    st.tuples(st.sampled_from(["a", "parking/v1/s/bay/b/up", "t" * 130]), st.binary(max_size=300)),
    max_size=20,
)


def test_connect_of_mqtt_311_is_as_in_the_standard() -> None:
    packet = mqtt.connect(Session("me"), Credentials("u", "pw"))
    assert packet == b"\x10\x15\0\x04MQTT\x04\xc2\0\0\0\x02me\0\x01u\0\x02pw"


def test_connect_of_mqtt_5_tells_session_expiry_and_receive_maximum() -> None:
    packet = mqtt.connect(Session("me", mqtt.V5, False, 300, 600), Credentials())
    assert packet == b"\x10\x17\0\x04MQTT\x05\0\0\0\x08\x11\0\0\x02\x58\x21\x01\x2c\0\x02me"


def test_a_publish_is_as_in_the_standard() -> None:
    packets = mqtt.encode_publishes(iter([("a/b", b"hi"), ("a/b", b"")]))
    assert packets.data == b"\x32\x09\0\x03a/b\0\x01hi" + b"\x32\x07\0\x03a/b\0\x02"
    assert packets.offsets.tolist() == [0, 11, 20]


def test_an_expiring_publish_carries_the_interval_twice() -> None:
    packets = mqtt.encode_publishes(iter([("a", b"x")]), expiring=True)
    properties = b"\x02\0\x09\x3a\x80" + b"\x26\0\x06expiry\0\x06604800"
    assert packets.data == b"\x32\x1d\0\x01a\0\x01" + bytes((len(properties),)) + properties + b"x"
    assert packets.level == mqtt.V5


@given(MESSAGES)
def test_what_was_packed_is_unpacked(messages: list[tuple[str, bytes]]) -> None:
    packets = mqtt.encode_publishes(iter(messages))
    assert list(mqtt.unpacked(packets)) == messages


@given(MESSAGES)
def test_renamed_messages_differ_in_the_first_letter_of_their_topics_only(
    messages: list[tuple[str, bytes]],
) -> None:
    renamed = mqtt.renamed(mqtt.encode_publishes(iter(messages)))
    assert list(mqtt.unpacked(renamed)) == [("x" + topic[1:], payload) for topic, payload in messages]


@pytest.mark.parametrize("size", [100, 116, 117, 118, 130, 16_000, 16_372, 16_373, 16_374, 17_000])
def test_renaming_finds_the_topic_behind_a_length_of_any_size(size: int) -> None:
    renamed = mqtt.renamed(mqtt.encode_publishes(iter([("parking", bytes(size))])))
    assert list(mqtt.unpacked(renamed)) == [("xarking", bytes(size))]


@given(MESSAGES, st.integers(0, 400))
def test_packet_ids_are_found_however_the_stream_is_cut(messages: list[tuple[str, bytes]], cut: int) -> None:
    data = mqtt.encode_publishes(iter(messages)).data
    ids: list[int] = []
    used = mqtt.packet_ids(data[:cut], ids)
    assert used <= cut
    assert mqtt.packet_ids(data[used:], ids) == len(data) - used
    assert ids == list(range(1, len(messages) + 1))


def test_packet_ids_begin_anew_after_the_last_of_16_bits() -> None:
    data = mqtt.encode_publishes(("t", b"") for _ in range(65_537)).data
    ids: list[int] = []
    mqtt.packet_ids(data, ids)
    assert ids[-3:] == [65_535, 1, 2]


def test_a_packet_that_is_no_message_at_qos_1_is_an_error() -> None:
    with pytest.raises(WireError, match="0xd0"):
        mqtt.packet_ids(b"\xd0\0", [])


def test_acknowledgements_are_written_and_counted() -> None:
    data = mqtt.acknowledgements([1, 515, 65_535])
    assert data == b"\x40\x02\0\x01" + b"\x40\x02\x02\x03" + b"\x40\x02\xff\xff"
    assert mqtt.count_acknowledgements(data) == 3
    with pytest.raises(WireError):
        mqtt.count_acknowledgements(data + b"\xe0\x02\0\0")
