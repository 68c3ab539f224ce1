"""The limit that reads are compared with: a bare ASGI callable with constant bytes, on the same server."""

import sys
from pathlib import Path

import msgspec
import uvicorn
from starlette.types import Receive, Scope, Send

from api.server import listen, url_of


class Bare:
    """Answers each path with the same bytes for ever."""

    def __init__(self, bodies: dict[str, bytes]) -> None:
        self._starts = {
            path: [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
            for path, body in bodies.items()
        }
        self._bodies = bodies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        path = scope["path"]
        await send({"type": "http.response.start", "status": 200, "headers": self._starts[path]})
        await send({"type": "http.response.body", "body": self._bodies[path]})


def main() -> None:
    """Serve the paths and bodies of the JSON file that is the only argument."""
    bodies = msgspec.json.decode(Path(sys.argv[1]).read_bytes(), type=dict[str, bytes])
    listener = listen("127.0.0.1", 0)
    bare = Bare(bodies)
    config = uvicorn.Config(bare, log_config=None, access_log=False, server_header=False, lifespan="off")
    print(url_of(listener), flush=True)
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main()
