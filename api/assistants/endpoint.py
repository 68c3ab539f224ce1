"""The endpoint for assistants: the Model Context Protocol over HTTP at /mcp, without sessions."""

from fastapi import FastAPI
from mcp.server.mcpserver import MCPServer
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.server.transport_security import TransportSecuritySettings
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from api.assistants.tools import INSTRUCTIONS, add_tools
from api.live import LiveView
from api.nearby import Nearby
from api.place_names import PlaceNames

PATH = "/mcp"
MOST_BODY = 100_000
"""Bytes of a request: a question is short."""


def install_assistants(
    app: FastAPI, view: LiveView, nearby: Nearby, names: PlaceNames
) -> StreamableHTTPSessionManager:
    """Add the endpoint; what it returns must `run()` as long as the application."""
    server = MCPServer("parking", title="Parking", instructions=INSTRUCTIONS)
    add_tools(server, view, nearby, names)
    server.streamable_http_app(
        stateless_http=True,
        json_response=True,
        max_request_body_size=MOST_BODY,
        # The reads are open and nothing goes by cookies: no host's pages gain anything by rebinding.
        transport_security=TransportSecuritySettings(enable_dns_rebinding_protection=False),
    )
    app.router.routes.append(Route(PATH, _Endpoint(server.session_manager), methods=["POST"]))
    return server.session_manager


class _Endpoint:
    """An ASGI application (a class, which `Route` takes as one)."""

    def __init__(self, manager: StreamableHTTPSessionManager) -> None:
        self._manager = manager

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._manager.handle_request(scope, receive, send)
