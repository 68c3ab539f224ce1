"""`parking device`: speak with sensors on the street."""

import typer

from cli.device_command import command_device
from cli.device_configure import HELP, configure, models
from cli.device_keys import key_app

device_app = typer.Typer(
    help="Speak with sensors on the street: our own, and those of makers.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
device_app.add_typer(key_app, name="key")
device_app.command("command")(command_device)
device_app.command("configure", help=HELP)(configure)
device_app.command("models")(models)
