"""One reader of the event stream over ASGI: heartbeats, and how it ends."""

import asyncio

import pytest
from starlette.types import Message

from api.events import EventLog
from api.live import LiveView
from api.routes.stream import EventStream, Reader
from tests.support.live import everything, street
from tests.support.polling import until


@pytest.fixture
def log() -> EventLog:
    return EventLog()


class Client:
    """The server's side of one connection; `deaf` means that its buffers are full."""

    def __init__(self, *, deaf: bool = False) -> None:
        self.sent: list[Message] = []
        self.gone = asyncio.Event()
        self._deaf = deaf

    @property
    def text(self) -> str:
        return b"".join(message.get("body", b"") for message in self.sent).decode()

    async def send(self, message: Message) -> None:
        if self._deaf and message["type"] == "http.response.body":
            await asyncio.Event().wait()
        self.sent.append(message)

    async def receive(self) -> Message:
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def read(self, stream: EventStream) -> None:
        async with asyncio.timeout(5):
            await stream({"type": "http"}, self.receive, self.send)


async def test_a_silent_stream_says_that_it_lives_and_until_when_numbers_are_confirmed(
    view: LiveView, log: EventLog
) -> None:
    view.replace(everything(street("v"), confirmed_s_ago=0))
    client = Client()
    async with asyncio.TaskGroup() as tasks:
        stream = EventStream(Reader(view, log, heartbeat_s=0.01))
        tasks.create_task(client.read(stream), name="stream")
        await until(lambda: client.text.count(": alive") >= 2, what="two heartbeats")
        client.gone.set()
    told = f'event: confirmed\nid: {log.end}\ndata: {{"as_of":"2026-03-01T12:00:00Z"}}\n\n'
    assert client.text.count(told) >= 2


async def test_a_client_that_goes_ends_its_reader(view: LiveView, log: EventLog) -> None:
    client = Client()
    client.gone.set()
    await client.read(EventStream(Reader(view, log)))
    assert log.readers == 0


async def test_a_client_that_takes_nothing_is_cut(view: LiveView, log: EventLog) -> None:
    client = Client(deaf=True)
    await client.read(EventStream(Reader(view, log), patience_s=0.02))
    assert [message["type"] for message in client.sent] == ["http.response.start"]
    assert log.readers == 0


async def test_closing_the_log_completes_every_answer(view: LiveView, log: EventLog) -> None:
    client = Client()
    log.close()
    await client.read(EventStream(Reader(view, log)))
    assert client.sent[-1] == {"type": "http.response.body", "body": b"", "more_body": False}


async def test_a_cancelled_stream_leaves_no_reader(view: LiveView, log: EventLog) -> None:
    client = Client()
    task = asyncio.create_task(client.read(EventStream(Reader(view, log))), name="stream")
    await until(lambda: "start" in client.text, what="the first event")
    assert log.readers == 1
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert log.readers == 0
