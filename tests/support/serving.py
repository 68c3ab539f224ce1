"""The application with numbers given by hand, without a database, behind its own server."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx
from fastapi import FastAPI

from api.app import create_app
from api.clock import DatabaseClock
from api.patience import PatientProtocol
from api.server import Server, listen, server_of, url_of
from parking.settings import Settings
from tests.support.live import NOW, Hands, everything, street
from tests.support.polling import until


@dataclass(frozen=True, slots=True)
class Served:
    """An application, its server, a client of it over HTTP, and its port."""

    app: FastAPI
    server: Server
    client: httpx.AsyncClient
    port: int

    async def say(self, *requests: bytes) -> bytes:
        """All that is answered on one connection until the server closes it, without the date.

        Each of the `requests` is read by the server by itself.
        """
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            for part in requests:
                writer.write(part)
                # Server and client share the event loop: it reads this part in its next turns.
                for _ in range(3):
                    await asyncio.sleep(0)
            async with asyncio.timeout(60):
                answer = await reader.read()
        finally:
            writer.close()
            await writer.wait_closed()
        return re.sub(rb"date: [^\r]+", b"date: now", answer)

    def connections(self) -> list[PatientProtocol]:
        """The connections that are open."""
        return [one for one in self.server.server_state.connections if isinstance(one, PatientProtocol)]

    def metrics(self) -> list[str]:
        """How many requests were answered, by method, route and status."""
        rendered = self.app.state.parts.metrics.render().decode()
        return sorted(line for line in rendered.splitlines() if line.startswith("parking_api_requests_total"))


def loaded_app(*, sites: int = 10, rate_per_s: float = 0, rate_burst: int = 1) -> FastAPI:
    """The application with some streets, queen-street among them, at a time that stands still."""
    app = create_app(
        Settings(
            database_url="postgresql://nobody@127.0.0.1:1/none", rate_per_s=rate_per_s, rate_burst=rate_burst
        )
    )
    view = app.state.parts.view
    view.clock = DatabaseClock(Hands())
    view.clock.sync(NOW, asked_at=0)
    streets = [street("vvou"), *(street("o", site=f"mews-{n}") for n in range(1, sites))]
    view.replace(everything(*streets, confirmed_s_ago=0))
    return app


@asynccontextmanager
async def served(app: FastAPI, *, short: bool = True, idle_s: int = 30) -> AsyncIterator[Served]:
    """The application behind its server, with or without the short way; what is idle for `idle_s` ends."""
    server, listener = server_of(app, lifespan="off"), listen("127.0.0.1", 0)
    server.config.timeout_keep_alive = idle_s
    if not short:
        server.config.http = PatientProtocol
    serving = asyncio.create_task(server.serve(sockets=[listener]), name="server")
    try:
        await until(lambda: server.started or serving.done(), what="the server listens")
        async with httpx.AsyncClient(base_url=url_of(listener), trust_env=False, timeout=60) as client:
            yield Served(app, server, client, listener.getsockname()[1])
    finally:
        server.should_exit = True
        await serving
