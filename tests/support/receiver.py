"""The receiving side of webhooks: a real HTTP server that keeps what came and answers as it is told."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread


@dataclass(frozen=True, slots=True)
class Received:
    """One POST: its headers (lower case) and its body."""

    headers: dict[str, str]
    body: str


@dataclass
class Receiver:
    """What was received; `status` and `headers` are what it answers from now on."""

    url: str = ""
    status: int = 204
    headers: dict[str, str] = field(default_factory=dict)
    received: list[Received] = field(default_factory=list)

    @property
    def types(self) -> list[str]:
        """The bodies that came, by what they begin with."""
        return [one.body.split('"')[3] for one in self.received]


@contextmanager
def receiver() -> Iterator[Receiver]:
    """Listen on any free loopback port until the end."""
    kept = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"])).decode()
            headers = {name.lower(): value for name, value in self.headers.items()}
            kept.received.append(Received(headers, body))
            self.send_response(kept.status)
            for name, value in kept.headers.items():
                self.send_header(name, value)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    kept.url = f"http://127.0.0.1:{server.server_port}/parking"
    thread = Thread(target=server.serve_forever, name="webhook receiver")
    thread.start()
    try:
        yield kept
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
