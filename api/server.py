"""Serves the application over HTTP with uvicorn, from a socket of our own to a clean end."""

import contextlib
import errno
import gc
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from typing import Literal

import structlog
import uvicorn
from fastapi import FastAPI

from api.app import create_app
from api.events import EventLog
from api.hot import HotProtocol
from api.patience import close_late
from parking.errors import ParkingError
from parking.settings import Settings

_log = structlog.get_logger()

_UNREAD_MS = 30_000
_GRACE_S = 1
_LOOK_TICKS = 20


class CannotListen(ParkingError):
    """The API cannot listen on its address."""


def serve(settings: Settings) -> None:
    """Run the API until a signal ends it. Raises CannotListen."""
    listener = listen(settings.api_host, settings.api_port)
    server = make_server(settings)
    # What is there by now stays: looking through it again and again would hold up every reader for a tenth
    # of a second.
    gc.freeze()
    gc.enable()
    _log.info("The API listens", url=url_of(listener))
    server.run(sockets=[listener])


def make_server(settings: Settings) -> "Server":
    """The server of the API, not yet running."""
    return server_of(create_app(settings))


def server_of(app: FastAPI, *, lifespan: Literal["on", "off"] = "on") -> "Server":
    """The server of this application, not yet running."""
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        # We find the client's address ourselves (api/addresses.py), by our own list of proxies.
        proxy_headers=False,
        lifespan=lifespan,
        http=HotProtocol,
        ws="none",
        timeout_graceful_shutdown=_GRACE_S,
        timeout_keep_alive=30,
    )
    return Server(config, app.state.parts.log)


def url_of(listener: socket.socket) -> str:
    """The address of a listening socket."""
    host, port = listener.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


class Server(uvicorn.Server):
    """uvicorn, but a signal also ends the open event streams, and is an ordinary end: exit code 0."""

    def __init__(self, config: uvicorn.Config, log: EventLog) -> None:
        super().__init__(config)
        self._event_log = log

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {
            number: signal.signal(number, self.handle_exit) for number in (signal.SIGTERM, signal.SIGINT)
        }
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    async def on_tick(self, counter: int) -> bool:
        """Called ten times a second: now and then close what is late."""
        if counter % _LOOK_TICKS == 0 and (late := close_late(self.server_state.connections)):
            _log.info("Connections without a request were closed", connections=late)
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._event_log.close()
        await super().shutdown(sockets)


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens there (port 0: any free one). Raises CannotListen, which says what to do."""
    try:
        (family, _, _, _, address), *_ = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        listener = socket.socket(family, socket.SOCK_STREAM)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if sys.platform == "linux":
                # Inherited by each connection: a client that reads nothing for so long is cut by the kernel.
                listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _UNREAD_MS)
            listener.bind(address)
            listener.listen(2048)
        except BaseException:
            listener.close()
            raise
    except OSError as error:
        raise CannotListen(
            f"The API cannot listen on {host} port {port}: {error.strerror or error}.",
            hint=_hint(error, port),
        ) from error
    return listener


def _hint(error: OSError, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"Another program has port {port}. Set PARKING_API_PORT to a free one, or to 0 for any."
    if error.errno == errno.EACCES:
        return "Ports below 1024 need special rights. Set PARKING_API_PORT to 8000, say."
    return "Set PARKING_API_HOST to an address of this machine: 127.0.0.1, or 0.0.0.0 for all."
