"""Entry point of the `parking` command."""

import sys
from collections.abc import Iterator
from importlib import import_module
from typing import Any, NoReturn

import typer
from typer.core import TyperGroup

from parking.errors import ParkingError, RegistryError

COMMANDS = {
    "demo": "cli.demo:demo",
    "migrate": "cli.migrate:migrate",
    "registry": "cli.registry:registry_app",
    "ingest": "cli.ingest:ingest",
    "api": "cli.api:api",
    "simulate": "cli.simulate:simulate",
    "decode": "cli.decode:decode_command",
    "device": "cli.device:device_app",
    "credentials": "cli.credentials:credentials_app",
    "broker": "cli.broker_setup:broker_app",
    "doctor": "cli.doctor:doctor",
    "conformance": "cli.conformance:conformance",
    "forecast": "cli.forecast:forecast_app",
    "counts": "cli.counts:counts",
    "count": "cli.counts:count",
    "keys": "cli.keys:keys_app",
    "audit": "cli.audit:audit_app",
    "webhooks": "cli.webhooks:webhooks_app",
    "maintenance": "cli.maintenance:maintenance",
    "maintain": "cli.maintain:maintain",
    "report": "cli.report:report_app",
    "export": "cli.export:export",
    "sign": "cli.sign:sign_app",
    "sign-client": "cli.sign_client:sign_client",
}
"""Where each command is. A module is imported when its command is used: together they take seconds."""


class _Commands(TyperGroup):
    def list_commands(self, ctx: Any) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name].partition(":")
        found = getattr(import_module(module), name)
        if isinstance(found, typer.Typer):
            command: Any = typer.main.get_command(found)
        else:
            single = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
            single.command()(found)
            command = typer.main.get_command(single)
        command.name = cmd_name
        return command


app = typer.Typer(
    cls=_Commands,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


@app.callback()
def parking() -> None:
    """Bay sensors and plate cameras in over MQTT; one truthful number for drivers, signs and managers out.

    Start with `parking demo`. To run it for real: `parking migrate`, `parking registry import FILE`, then
    `parking ingest` and `parking api`, each as a service. `parking doctor` says what is wrong.

    Settings are environment variables that begin with PARKING_ (see the README).
    """


def main() -> None:
    """Run the command; an error is a sentence and what to do, never a traceback."""
    try:
        app()
    except ParkingError as error:
        _fail([error])
    except Exception as error:
        errors = list(_explained(error))
        if not errors:
            raise
        _fail(errors)


def _explained(error: Exception) -> Iterator[ParkingError]:
    """Those errors, alone or in a group, for which there are words."""
    if isinstance(error, ExceptionGroup):
        for inner in error.exceptions:
            yield from _explained(inner)
        return
    from parking.db.failures import explain

    explained = explain(error)
    if explained is not None:
        yield explained


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
