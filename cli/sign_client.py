"""`parking sign-client`: a small controller of one sign, to try things with and to imitate."""

import asyncio
import random
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Annotated

import typer

from cli.sign_controller import Controller, Frame
from parking.errors import ParkingError

TIMEOUT_S = 5.0
JITTER = 0.1
"""Signs that start together must not ask together for ever."""


class SignUnreachable(ParkingError):
    """The sign could not be asked for."""


def sign_client(
    sign: Annotated[str, typer.Argument(help="id of the sign")],
    url: Annotated[str, typer.Option(help="where the API is", metavar="URL")] = "http://127.0.0.1:8000",
    once: Annotated[bool, typer.Option("--once", help="ask once, print it, and end")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="a JSON line for each change")] = False,
    draw: Annotated[bool, typer.Option("--draw", help="draw the lamps")] = False,
) -> None:
    """Be the controller of a sign: ask, show, ask again, and blank when there is no answer.

    It asks again when it was told to (`poll_after_s`), with the ETag that it has, shows an answer no longer
    than it is valid, whatever its own clock says, and shows nothing when it cannot reach the API. Each change
    is one line. Ctrl+C or SIGTERM ends it.
    """
    show = _json_line if as_json else _drawn if draw else _text_line
    asyncio.run(_Client(sign, url.rstrip("/"), show).run(once=once))


class _Client:
    """Asks over HTTP, and puts frames where they can be seen."""

    def __init__(self, sign: str, url: str, show: Callable[[Frame], None]) -> None:
        from urllib.parse import quote

        self._sign = sign
        self._url = f"{url}/v1/signs/{quote(sign, safe='')}"
        self._show = show
        self._controller = Controller()
        self._shown: tuple[str, bool] | None = None

    async def run(self, *, once: bool) -> None:
        import httpx

        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        async with httpx.AsyncClient(
            timeout=TIMEOUT_S, headers={"User-Agent": "parking-sign-client"}
        ) as http:
            while not stop.is_set():
                wait_s = await self._ask(http)
                if once:
                    return self._once()
                await self._wait(stop, wait_s * random.uniform(1 - JITTER, 1 + JITTER))

    def _once(self) -> None:
        frame = self._controller.frame(time.monotonic())
        if frame.revision is None:
            raise SignUnreachable(f"{self._url}: {frame.reason}", hint="Is this the address of the API?")
        self._put(frame)

    async def _ask(self, http: "httpx.AsyncClient") -> float:  # type: ignore[name-defined]  # noqa: F821
        """Ask once; in how many seconds to ask again."""
        import httpx

        controller, asked = self._controller, time.monotonic()
        etag = {"If-None-Match": controller.etag} if controller.etag else {}
        try:
            # The timeout of httpx is for each step; a server that drips must not hold us.
            async with asyncio.timeout(TIMEOUT_S):
                response = await http.get(self._url, headers={"Accept": "application/json", **etag})
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
            return controller.failed(f"no answer ({str(error) or type(error).__name__})")
        if response.status_code == 304:
            return controller.unchanged()
        if response.status_code == 404:
            return controller.gone(f"there is no sign {self._sign!r}")
        if response.status_code != 200:
            wait_s = controller.failed(f"HTTP {response.status_code}")
            with suppress(ValueError):
                wait_s = max(wait_s, float(response.headers.get("retry-after", 0)))
            return wait_s
        try:
            return controller.answered(
                response.content,
                etag=response.headers.get("etag"),
                date=response.headers.get("date"),
                asked=asked,
            )
        except ValueError as error:
            return controller.failed(str(error))

    async def _wait(self, stop: asyncio.Event, seconds: float) -> None:
        """Show what there is until it is time to ask again; blank in the middle of it if an answer ends."""
        until = time.monotonic() + seconds
        while not stop.is_set():
            now = time.monotonic()
            self._put(self._controller.frame(now))
            left = until - now
            if left <= 0:
                return
            ends_in = self._controller.ends_in(now)
            with suppress(TimeoutError):
                async with asyncio.timeout(left if ends_in is None else min(left, ends_in)):
                    await stop.wait()

    def _put(self, frame: Frame) -> None:
        key = frame.text, frame.revision is None
        if key != self._shown:
            self._shown = key
            self._show(frame)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _json_line(frame: Frame) -> None:
    import json

    line = {"at": _now(), "text": frame.text, "reason": frame.reason, "revision": frame.revision}
    typer.echo(json.dumps(line, ensure_ascii=False))
    sys.stdout.flush()


def _text_line(frame: Frame) -> None:
    text = " / ".join(frame.text.splitlines()) or "(blank)"
    typer.echo(f"{_now()}  {text}  {frame.reason}")
    sys.stdout.flush()


def _drawn(frame: Frame) -> None:
    """The lamps, two rows of them to a line of the terminal."""
    from api.pages.led import matrix

    lamps = matrix(frame.text)
    lit = set(lamps.lit)
    blocks = {(False, False): " ", (True, False): "▀", (False, True): "▄", (True, True): "█"}
    for row in range(0, lamps.height, 2):
        cells = (((c, row) in lit, (c, row + 1) in lit) for c in range(lamps.width))
        typer.echo("│" + "".join(blocks[cell] for cell in cells) + "│")
    _text_line(frame)
