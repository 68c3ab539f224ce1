"""Slow and hostile clients of the cameras' door: they are cut off, and the others are served."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest

from cli.embedded.ports import choose_port
from ingest import camera_http
from ingest.camera_http import CameraPosts, serve
from ingest.camera_inbox import CameraInbox
from ingest.clock import Clock
from ingest.metrics import Metrics
from parking.access_keys import Presented, Scope
from parking.db.key_ring import KeyRing
from parking.db.pool import Pool
from parking.settings import Settings
from tests.support.access import bearer, key_of
from tests.support.city import load, small_registry
from tests.support.polling import PATIENCE_S, until
from tests.support.writing import writing_to

PATH = "/v1/cameras/cm-in"


@asynccontextmanager
async def listening(database_url: str) -> AsyncIterator[tuple[int, Presented]]:
    """The door for cameras in this process: its port, and a key."""
    await load(database_url, small_registry())
    key = await key_of(database_url, Scope.CAMERAS_PUSH, name="cm-in")
    port = choose_port()
    settings = Settings(database_url=database_url, camera_http_port=port)
    pool = Pool(database_url, name="test", size=2)
    async with writing_to(database_url) as writer, pool.opened(), asyncio.TaskGroup() as tasks:
        inbox = CameraInbox(writer, lambda snapshots: None)
        posts = CameraPosts(inbox, KeyRing(pool, Clock()), Clock(), Metrics())
        running = [tasks.create_task(inbox.run()), tasks.create_task(serve(settings, posts))]

        async def answers() -> bool:
            try:
                async with httpx.AsyncClient(trust_env=False, timeout=PATIENCE_S) as client:
                    return (await client.get(f"http://127.0.0.1:{port}{PATH}")).status_code == 401
            except httpx.TransportError:
                return False

        await until(answers, what="the door is open")
        yield port, key
        for task in running:
            task.cancel()


async def test_who_sends_no_head_and_who_sends_half_a_body_are_cut_off(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(camera_http, "HEADERS_S", 0.5)
    monkeypatch.setattr(camera_http, "BODY_S", 0.5)
    async with listening(database_url) as (port, key):
        silent, unused = await asyncio.open_connection("127.0.0.1", port)
        slow, sending = await asyncio.open_connection("127.0.0.1", port)
        head = f"POST {PATH} HTTP/1.1\r\nHost: x\r\nX-Api-Key: {key.text}\r\nContent-Length: 99\r\n\r\n{{"
        sending.write(head.encode())
        async with asyncio.timeout(10):
            assert await silent.read() == b""
            assert (await slow.read()).startswith(b"HTTP/1.1 408")
            for writer in (unused, sending):
                writer.close()
                await writer.wait_closed()
        async with httpx.AsyncClient(trust_env=False, timeout=PATIENCE_S) as client:
            url = f"http://127.0.0.1:{port}{PATH}"
            assert (await client.get(url, headers=bearer(key))).status_code == 200
