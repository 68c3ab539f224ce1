"""The reader of MQTT packets: whatever the pieces in which bytes arrive, and whatever the bytes."""

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from ingest import mqtt

versions = st.sampled_from([mqtt.V311, mqtt.V5])
topics = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=40)
messages = st.lists(st.tuples(topics, st.binary(max_size=300), st.integers(1, 65_535)), max_size=8)
Heard = tuple[bytes, bytes, int, int, dict[int, Any] | None]


def read_all(pieces: list[bytes], version: int) -> tuple[list[Heard], list[mqtt.Packet], bytes]:
    """Messages and other packets of a stream that arrives in pieces, and what is left of it."""
    heard: list[Heard] = []
    others: list[mqtt.Packet] = []
    rest = b""
    for piece in pieces:
        buffer = rest + piece
        found, at = mqtt.read(buffer, version, lambda *message: heard.append(message))
        others += found
        rest = buffer[at:]
    return heard, others, rest


def cut(data: bytes, places: list[int]) -> list[bytes]:
    """The bytes in pieces."""
    edges = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[first:end] for first, end in pairwise(edges)]


@given(versions, messages, st.lists(st.integers(0, 5000), max_size=12))
def test_messages_arrive_whole_however_the_stream_is_cut(
    version: int, sent: list[tuple[str, bytes, int]], places: list[int]
) -> None:
    stream = b"\xd0\x00".join(
        mqtt.publish(topic, payload, mid, retain=False, version=version) for topic, payload, mid in sent
    )
    heard, others, rest = read_all(cut(stream, places), version)
    assert [(topic.decode(), payload, mid) for topic, payload, mid, _, _ in heard] == sent
    assert [packet.kind for packet in others] == [mqtt.PINGRESP] * max(0, len(sent) - 1)
    assert rest == b""


@given(versions, st.binary(max_size=200), st.lists(st.integers(0, 200), max_size=3))
def test_any_bytes_are_read_or_refused(version: int, data: bytes, places: list[int]) -> None:
    try:
        _, others, _ = read_all(cut(data, places), version)
        for packet in others:
            if packet.kind == mqtt.CONNACK:
                mqtt.read_connack(packet.body, version)
            elif packet.kind == mqtt.SUBACK:
                mqtt.read_suback(packet.body, version)
            elif packet.kind == mqtt.DISCONNECT:
                assert mqtt.read_disconnect(packet.body)
    except (mqtt.MqttError, IndexError):  # the connection is ended for both
        return


@given(st.integers(0, 2**32 - 1), st.text(max_size=20), st.text(max_size=20))
def test_properties_are_those_that_another_implementation_wrote(left: int, name: str, value: str) -> None:
    theirs = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
    theirs.MessageExpiryInterval = left
    theirs.UserProperty = (name, value)
    body = b"\x00\x01t\x00\x07" + theirs.pack() + b"x"  # type: ignore[no-untyped-call]
    assert len(body) < 128
    packet = bytes((0x32, len(body))) + body
    ((topic, payload, mid, _, known),), _, rest = read_all([packet], mqtt.V5)
    assert (topic, payload, mid, rest) == (b"t", b"x", 7, b"")
    assert known == {mqtt.MESSAGE_EXPIRY: left, mqtt.USER_PROPERTY: [(name, value)]}


@pytest.mark.parametrize("again", [False, True])
@pytest.mark.parametrize("retained", [False, True])
def test_the_flags_of_a_message_are_told(retained: bool, again: bool) -> None:
    head = 0x32 | retained | again << 3
    packet = bytes((head, 6)) + b"\x00\x01t\x00\x07x"
    ((*_, flags, _),), _, _ = read_all([packet], mqtt.V311)
    assert bool(flags & mqtt.RETAINED) == retained
    assert bool(flags & mqtt.AGAIN) == again


def test_acknowledgements_are_one_packet_each() -> None:
    assert mqtt.pubacks([1, 65_535]) == b"\x40\x02\x00\x01\x40\x02\xff\xff"
    assert mqtt.pubacks([]) == b""


@pytest.mark.parametrize("length", [0, 127, 128, 16_383, 16_384, 2_097_151, 2_097_152])
def test_lengths_are_read_at_the_edges_of_their_encoding(length: int) -> None:
    ((_, payload, _, _, _),), _, rest = read_all(
        [mqtt.publish("t", bytes(length), 1, retain=True, version=mqtt.V311)], mqtt.V311
    )
    assert (len(payload), rest) == (length, b"")
