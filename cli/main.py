"""Entry point of the `parking` command."""

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from cli.api import api
from cli.demo import demo
from cli.doctor import doctor
from cli.registry import registry_app
from cli.simulate import simulate
from parking.errors import ParkingError, RegistryError
from parking.settings import load_settings

app = typer.Typer(
    help=(
        "Smart parking: bay sensors and plate cameras in over MQTT; "
        "one truthful number for drivers, signs and managers out.\n\n"
        "Start with `parking demo`. To run it for real: `parking migrate`, `parking registry import FILE`, "
        "then `parking ingest` and `parking api`, each as a service. `parking doctor` says what is wrong.\n\n"
        "Settings are environment variables that begin with PARKING_ (see the README)."
    ),
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command()(demo)
app.add_typer(registry_app, name="registry")
app.command()(api)
app.command()(simulate)
app.command()(doctor)


@app.command()
def migrate() -> None:
    """Create the database schema or bring it up to date. Safe to repeat, and to run twice at once."""
    from parking.db.migrate import migrate as run

    done = asyncio.run(run(load_settings().require_database_url()))
    typer.echo(f"Found {done.edition}.")
    for migration in done.applied:
        typer.echo(f"Applied {migration.version:04} {migration.name}.")
    typer.echo(f"The schema is at version {done.version}.")


@app.command()
def ingest() -> None:
    """Take messages from the broker and store them; SIGTERM ends it cleanly.

    Needs PARKING_DATABASE_URL and PARKING_MQTT_URL. A message is acknowledged only when it is stored, so the
    process may be killed at any time.
    """
    from ingest.service import run
    from parking.logs import configure_logging

    settings = load_settings()
    configure_logging(settings, process="ingest")
    asyncio.run(run(settings))


@app.command()
def decode(
    file: Annotated[
        Path | None, typer.Argument(help="JSON lines; standard input by default", exists=True, dir_okay=False)
    ] = None,
    registry: Annotated[
        Path | None, typer.Option(help="registry file that says which device has which codec", exists=True)
    ] = None,
) -> None:
    """Say what the ingestor would make of messages. Needs no broker and no database.

    Each line is {"topic"?, "payload"? | "payload_hex"?, "codec"?, "fport"?, "received_at"?}; each answer is
    {"observations": [...], "rejected": null | {"code", "detail"}}.

    Example: echo '{"codec": "bosch-tps110", "fport": 1, "payload_hex": "01"}' | parking decode
    """
    from cli.decode import run
    from parking.registry import Codecs, load_registry

    known = Codecs(load_registry(registry)) if registry else None
    lines = file.open("rb") if file else sys.stdin.buffer
    raise typer.Exit(run(lines, sys.stdout, known))


def main() -> None:
    """Run the command; an error is a sentence and what to do, never a traceback."""
    try:
        app()
    except ParkingError as error:
        _fail([error])
    except ExceptionGroup as group:
        errors = list(_parking_errors(group))
        if not errors:
            raise
        _fail(errors)


def _parking_errors(group: BaseExceptionGroup[BaseException]) -> Iterator[ParkingError]:
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _parking_errors(error)
        elif isinstance(error, ParkingError):
            yield error


def _fail(errors: list[ParkingError]) -> NoReturn:
    for error in errors:
        typer.secho(f"Error: {error.message}", fg="red", err=True)
        if isinstance(error, RegistryError):
            for problem in error.problems:
                typer.echo(f"  - {problem}", err=True)
        if error.hint:
            typer.echo(f"  {error.hint}", err=True)
    sys.exit(1)


if __name__ == "__main__":
    main()
