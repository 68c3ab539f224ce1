"""`parking migrate`: the database schema."""

import asyncio

import typer

from parking.db.migrate import migrate as run
from parking.settings import load_settings


def migrate() -> None:
    """Create the database schema or bring it up to date. Safe to repeat, and to run twice at once."""
    done = asyncio.run(run(load_settings().require_database_url()))
    typer.echo(f"Found {done.edition}.")
    for migration in done.applied:
        typer.echo(f"Applied {migration.version:04} {migration.name}.")
    typer.echo(f"The schema is at version {done.version}.")
