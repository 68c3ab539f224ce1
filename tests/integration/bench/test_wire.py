"""The raw publisher and subscriber against the real broker: every message once, and counted."""

from pathlib import Path

import pytest

from bench import mqtt, peers, wire
from bench.mqtt import Session, WireError

COUNT = 70_000
"""More than there are packet ids."""


def packets(count: int = COUNT, *, expiring: bool = False) -> mqtt.Packets:
    return mqtt.encode_publishes(((f"bench/{n % 100}", b"%08d" % n) for n in range(count)), expiring=expiring)


@pytest.mark.parametrize("expiring", [False, True])
async def test_what_is_published_is_received_and_acknowledged_once(
    mqtt_url: str, tmp_path: Path, expiring: bool
) -> None:
    if expiring and not speaks_mqtt_5(mqtt_url):
        pytest.skip("this broker does not speak MQTT 5")
    async with (
        peers.subscriber(mqtt_url, ("bench/+",), COUNT) as taker,
        peers.publisher(mqtt_url, packets(expiring=expiring), tmp_path) as sender,
    ):
        await taker.go()
        await sender.go()
        sent, taken = await peers.published(sender), await peers.received(taker)
    assert (sent.acknowledged, taken.received) == (COUNT, COUNT)
    assert sent.started_at < sent.ended_at
    assert taken.started_at < taken.ended_at


async def test_a_kept_session_holds_all_messages_and_nothing_after_they_are_acknowledged(
    mqtt_url: str, tmp_path: Path
) -> None:
    wire.leave_session(mqtt_url, "kept", ("bench/+",))
    async with peers.publisher(mqtt_url, packets(), tmp_path) as sender:
        await sender.go()
        await peers.published(sender)
    async with peers.subscriber(mqtt_url, (), COUNT, session="kept") as taker:
        await taker.go()
        assert (await peers.received(taker)).received == COUNT
    assert wire.end_session(mqtt_url, "kept") == 0


def test_what_was_not_acknowledged_is_found_when_a_session_is_ended(mqtt_url: str) -> None:
    wire.leave_session(mqtt_url, "left", ("bench/+",))
    with wire.connect(mqtt_url, Session("sender")) as sender:
        wire.publish(sender, packets(5))
    assert wire.end_session(mqtt_url, "left") == 5
    assert wire.end_session(mqtt_url, "left") == 0


def test_paced_messages_take_their_time(mqtt_url: str) -> None:
    with wire.connect(mqtt_url, Session("sender")) as sender:
        done = wire.publish(sender, packets(101), rate=500)
    assert 0.2 <= done.ended_at - done.started_at < 10


def test_a_subscriber_that_gets_too_little_says_so(mqtt_url: str) -> None:
    with wire.connect(mqtt_url, Session("taker", mqtt.V5)) as taker:
        taker.subscribe(("bench/+",))
        with wire.connect(mqtt_url, Session("sender")) as sender:
            wire.publish(sender, packets(3))
        with pytest.raises(WireError, match="3 of 4 messages"):
            wire.receive(taker, 4, deadline_s=0.5)


def test_a_wrong_password_is_refused(mqtt_url: str) -> None:
    with pytest.raises((WireError, ConnectionError)):
        wire.connect(mqtt_url.replace("@", "x@"), Session("nobody"))


def speaks_mqtt_5(url: str) -> bool:
    with wire.connect(url, Session("asks", mqtt.V5)) as found:
        return found.level == mqtt.V5
