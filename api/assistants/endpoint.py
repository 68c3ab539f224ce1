"""The endpoint for assistants: the Model Context Protocol over HTTP at /mcp, without sessions."""

import asyncio
import logging
from http import HTTPStatus
from typing import TYPE_CHECKING

import structlog
from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from api.live import LiveView
from api.nearby import Nearby
from api.place_names import PlaceNames

if TYPE_CHECKING:
    from mcp.server.streamable_http_manager import StreamableHTTPSessionManager

_log = structlog.get_logger()

PATH = "/mcp"
MOST_BODY = 100_000
"""Bytes of a request: a question is short."""


class Assistants:
    """An ASGI application that answers while `run` does.

    The library behind it takes 0.7 s of processor time and 28 MB to load, as much as all else that a
    process of the API loads. So it is loaded with the first question, beside the event loop.
    """

    def __init__(self, view: LiveView, nearby: Nearby, names: PlaceNames) -> None:
        self._view = view
        self._nearby = nearby
        self._names = names
        self._asked = asyncio.Event()
        self._settled = asyncio.Event()
        self._manager: StreamableHTTPSessionManager | None = None

    async def run(self) -> None:
        """Wait for the first question, then answer until the end."""
        await self._asked.wait()
        try:
            manager = await asyncio.to_thread(self._load)
            async with manager.run():
                self._manager = manager
                self._settled.set()
                await asyncio.Event().wait()
        except Exception:
            # The rest of the API does without.
            _log.exception("Assistants cannot be answered")
        finally:
            self._manager = None
            self._settled.set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._asked.set()
        await self._settled.wait()
        if self._manager is None:
            raise HTTPException(HTTPStatus.SERVICE_UNAVAILABLE, "Assistants cannot be answered now.")
        await self._manager.handle_request(scope, receive, send)

    def _load(self) -> "StreamableHTTPSessionManager":
        from mcp.server.mcpserver import MCPServer
        from mcp.server.transport_security import TransportSecuritySettings

        from api.assistants.tools import INSTRUCTIONS, add_tools

        # It tells of each request.
        logging.getLogger("mcp").setLevel(logging.WARNING)
        server = MCPServer("parking", title="Parking", instructions=INSTRUCTIONS)
        add_tools(server, self._view, self._nearby, self._names)
        server.streamable_http_app(
            stateless_http=True,
            json_response=True,
            max_request_body_size=MOST_BODY,
            # These reads are open and look at no cookie: no host's pages gain anything by rebinding.
            transport_security=TransportSecuritySettings(enable_dns_rebinding_protection=False),
        )
        return server.session_manager


def install_assistants(app: FastAPI, assistants: Assistants) -> None:
    """Add the endpoint."""
    app.router.routes.append(Route(PATH, assistants, methods=["POST"]))
