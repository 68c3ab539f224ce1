"""The publisher's own failures; its work is tested on a real broker."""

import asyncio

import pytest
from pydantic import SecretStr

from parking.settings import Settings
from sensors_sim.outgoing import Outgoing
from sensors_sim.publisher import QUEUE, Address, Link, Publisher

SETTINGS = Settings(mqtt_url=SecretStr("mqtt://me:p%40ss@127.0.0.1:9"))


def _message(number: int) -> Outgoing:
    return Outgoing(number=number, topic="t", sender="s", body=b"")


def test_the_address_is_read_and_shown_without_the_password() -> None:
    address = Address(SETTINGS)
    assert (address.host, address.port, address.user, address.secure) == ("127.0.0.1", 9, "me", False)
    assert str(address) == "127.0.0.1:9"
    secure = Address(Settings(mqtt_url=SecretStr("mqtts://example.org")))
    assert (secure.port, secure.secure) == (8883, True)


async def test_a_full_queue_holds_the_city_back() -> None:
    publisher = Publisher(SETTINGS, connections=1, acknowledged=lambda receipt: None, now=lambda: 0.0)
    for number in range(QUEUE):
        await publisher.send(_message(number))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await publisher.send(_message(QUEUE))


async def test_what_could_not_be_sent_is_handed_back() -> None:
    publisher = Publisher(SETTINGS, connections=2, acknowledged=lambda receipt: None, now=lambda: 0.0)
    async with publisher:
        for number in range(5):
            await publisher.send(_message(number))
        left = await publisher.finish(0.05)
    assert [message.number for message in left] == list(range(5))


async def test_a_fault_of_our_own_ends_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(self: Link) -> None:
        raise RuntimeError("a fault of ours")

    monkeypatch.setattr(Link, "run", fail)
    publisher = Publisher(SETTINGS, connections=1, acknowledged=lambda receipt: None, now=lambda: 0.0)
    with pytest.RaisesGroup(pytest.RaisesExc(RuntimeError, match="a fault of ours")):
        async with publisher:
            await publisher.connect(5.0)
