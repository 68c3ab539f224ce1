"""What pages load: built by web/build.mjs under names that change with their content, so caches keep them."""

import json
from importlib.resources import files
from pathlib import Path

from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from parking.errors import ParkingError

STATIC = Path(str(files("web"))) / "static"
BUILT = STATIC / "built"
FOR_EVER = "public, max-age=31536000, immutable"
A_WHILE = "public, max-age=3600"


class NotBuilt(ParkingError):
    """The scripts and styles of the pages are not built."""


def manifest() -> dict[str, str]:
    """The path of each built file by its plain name, such as `app.css`. Raises NotBuilt."""
    try:
        names: dict[str, str] = json.loads((BUILT / "manifest.json").read_text("utf-8"))
    except OSError as error:
        raise NotBuilt(hint="Run `make web`.") from error
    return {plain: f"/static/built/{name}" for plain, name in names.items()}


class Assets(StaticFiles):
    """Static files; those that are there compressed too are sent so to whoever takes it."""

    def __init__(self) -> None:
        super().__init__(directory=STATIC)

    async def get_response(self, path: str, scope: Scope) -> Response:
        """The file, compressed if it may be."""
        built = path.startswith("built/")
        accepted = next((value for name, value in scope["headers"] if name == b"accept-encoding"), b"")
        packed = built and b"gzip" in accepted and (STATIC / f"{path}.gz").is_file()
        response = await super().get_response(f"{path}.gz" if packed else path, scope)
        if packed:
            response.headers["content-encoding"] = "gzip"
            response.headers["content-type"] = _TYPES.get(Path(path).suffix, "application/octet-stream")
        if built:
            response.headers["vary"] = "Accept-Encoding"
        response.headers["cache-control"] = FOR_EVER if built else A_WHILE
        return response


def service_worker() -> bytes:
    """The script that keeps pages for times without a network; it must come from the root."""
    return (BUILT / "sw.js").read_bytes()


_TYPES = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".json": "application/json",
}
