"""`parking doctor`: is everything that the system needs there, and if not, what to do."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Annotated

import typer

from cli.finding import Finding
from cli.ingestors import judge_ingestors
from cli.keys_ending import judge_keys
from parking.db.access_keys import list_keys
from parking.db.connect import Connection, connect, find_edition
from parking.db.health import Health, load_health
from parking.db.ingestors import reports
from parking.db.migrate import check_schema
from parking.db.signs import DECIDED_WITHIN_S
from parking.errors import ParkingError
from parking.outlook import OLD
from parking.settings import Settings, load_settings

CLOCK_TOLERANCE_S = 2.0
FORECAST_LATE_S = 180.0
"""Forecasts are made each minute; of a large city, some seconds later."""


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="print the findings as JSON")] = False,
) -> None:
    """Check broker, database, schema, clock, registry and ingestor; say in words what is wrong.

    Ends with 0 if nothing is wrong, else with 1.
    """
    findings = asyncio.run(examine(load_settings()))
    if as_json:
        typer.echo(json.dumps([asdict(finding) for finding in findings], indent=2))
    else:
        for finding in findings:
            mark, colour = {
                True: ("ok     ", "green"),
                False: ("WRONG  ", "red"),
                None: ("note   ", "yellow"),
            }[finding.ok]
            typer.echo(typer.style(mark, fg=colour) + f"{finding.subject}: {finding.says}")
            if finding.do:
                typer.echo(f"         -> {finding.do}")
    raise typer.Exit(1 if any(finding.ok is False for finding in findings) else 0)


async def examine(settings: Settings) -> list[Finding]:
    """Look at everything, going on where one thing is wrong."""
    findings = [await _try("broker", lambda: _broker(settings))]
    try:
        async with connect(
            settings.require_database_url(), name="parking doctor", autocommit=True
        ) as connection:
            findings.append(Finding("database", True, str(await find_edition(connection))))
            schema = await _try("schema", lambda: _schema(connection))
            findings.append(schema)
            if schema.ok:
                health = await load_health(connection)
                findings += judge_health(health, time.time())
                if health.sites:
                    findings.append(judge_forecast(health.forecast_s, wanted=settings.forecast))
                findings += judge_ingestors(await reports(connection), health.device_heard_s)
                findings += judge_keys(*await list_keys(connection))
    except ParkingError as error:
        findings.append(Finding("database", False, error.message, error.hint))
    findings.append(_plate_keys(settings))
    return findings


async def _try(subject: str, look: Callable[[], Awaitable[str]]) -> Finding:
    try:
        return Finding(subject, True, await look())
    except ParkingError as error:
        return Finding(subject, False, error.message, error.hint)


async def _broker(settings: Settings) -> str:
    from cli.broker import greet

    return await asyncio.to_thread(greet, settings)


async def _schema(connection: Connection) -> str:
    await check_schema(connection)
    return "as this version needs it"


def judge_health(health: Health, now: float) -> list[Finding]:
    """What there is to say of the database's content and clock at this time (seconds since 1970)."""
    difference = abs(health.database_time.timestamp() - now)
    findings = [
        Finding("clock", True, f"within {difference:.1f} s of the database's")
        if difference <= CLOCK_TOLERANCE_S
        else Finding(
            "clock",
            False,
            f"differs from the database's by {difference:.1f} s",
            "Keep both machines in time with NTP: event times depend on it.",
        )
    ]
    if health.sites:
        says = f"{health.sites} sites, {health.devices} devices, {health.gates} gates, {health.signs} signs"
        findings.append(Finding("registry", True, says))
    else:
        findings.append(Finding("registry", False, "empty", "Load one: parking registry import FILE"))
    if health.signs:
        findings.append(_signs(health.signs_decided_s))
    if health.rejected_hour:
        kinds = ", ".join(f"{count} {code}" for code, count in health.rejected_hour)
        do = "See the table rejected_message: SELECT received_at, topic, code, detail FROM rejected_message"
        findings.append(Finding("rejections in the last hour", None, kinds, do))
    return findings


def _signs(decided_s: float | None) -> Finding:
    if decided_s is not None and decided_s <= DECIDED_WITHIN_S:
        return Finding("signs", True, "an ingestor decides what they show")
    since = "yet" if decided_s is None else f"since {decided_s:.0f} s"
    do = "A running ingestor does: its log says `signs are not being decided`, and why."
    return Finding("signs", None, f"nobody decides for them {since}: those that need a memory are blank", do)


def judge_forecast(made_s: float | None, *, wanted: bool) -> Finding:
    """What there is to say of forecasts that were last made so many seconds ago; None for never."""
    if not wanted:
        return Finding("forecasts", None, "PARKING_FORECAST is false here: an ingestor so set makes none")
    if made_s is None:
        do = "A running ingestor makes them within minutes of its start: its log says `making forecasts`."
        return Finding("forecasts", None, "none has been made yet", do)
    ago = f"last made {made_s:.0f} s ago" if made_s < 120 else f"last made {made_s / 60:,.0f} minutes ago"
    if made_s <= FORECAST_LATE_S:
        return Finding("forecasts", True, ago)
    told_s = OLD.total_seconds()
    told = (
        f"are not told any more after {told_s / 60:.0f}" if made_s > told_s else "should be made each minute"
    )
    do = "A running ingestor has them made: its log says `no forecasts were made`, and why."
    return Finding("forecasts", False if made_s > told_s else None, f"{ago}; they {told}", do)


def _plate_keys(settings: Settings) -> Finding:
    from parking.plates import PlateKeys

    if settings.plate_key_dir is None:
        return Finding(
            "plate keys", None, "PARKING_PLATE_KEY_DIR is not set, so vehicles are counted but never paired"
        )
    try:
        PlateKeys(settings.plate_key_dir)
    except ParkingError as error:
        return Finding("plate keys", False, error.message, error.hint)
    return Finding("plate keys", True, "the folder can be used")
