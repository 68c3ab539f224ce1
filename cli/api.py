"""`parking api`: serves the live numbers over HTTP."""

import gc
from typing import Annotated

import typer

from parking.logs import configure_logging
from parking.settings import load_settings


def api(
    host: Annotated[str | None, typer.Option(help="address to listen on, else PARKING_API_HOST")] = None,
    port: Annotated[
        int | None,
        typer.Option(min=0, max=65535, help="port to listen on, 0 for any free one, else PARKING_API_PORT"),
    ] = None,
) -> None:
    """Serve live vacancy over HTTP: JSON, signs, an event stream and a page for drivers.

    Needs PARKING_DATABASE_URL. It starts even when the database is down, and says at /readyz what is missing.
    While the database is away it serves what it knows, marked stale. SIGTERM or Ctrl+C ends it.
    """
    # Until the server is made next to nothing is dropped: looking for it takes a quarter of the time.
    gc.disable()
    from api.server import serve

    settings = load_settings()
    given = {"api_host": host, "api_port": port}
    settings = settings.model_copy(update={key: value for key, value in given.items() if value is not None})
    settings.require_database_url()
    configure_logging(settings, process="api")
    serve(settings)
