"""The process that makes forecasts: `python -m ingest.foreteller`. It ends when its standard input does.

One does the work at a time; others stand by until the database gives them the lock.
"""

import asyncio
import os
import random
import signal
import sys
from datetime import UTC, date, datetime, timedelta

import structlog

from parking.db.connect import Connection, connect
from parking.db.failures import Failure, classify
from parking.db.forecaster import Forecaster, database_time, hold
from parking.db.migrate import check_schema
from parking.db.watchdog import answering_within
from parking.forecast.calendar import public_holidays
from parking.forecast.series import ForecastInputError
from parking.logs import configure_logging
from parking.settings import Settings, load_settings

log = structlog.get_logger()

STAND_BY_S = 5.0
"""How often to ask for the lock, and how long to wait after a failure (seconds)."""
PATIENCE_S = 600.0
MINUTE_S = 60.0
_LATE_S = 0.5
"""A round begins so long after the minute, so that a count of its first moment is in it."""
_YEARS = 10
"""Public holidays are known so many years ahead: longer than a process lives."""


async def foretell(settings: Settings) -> None:
    """Make forecasts for as long as the task lives; a database that is away is waited for."""
    forecaster = Forecaster(_holidays(settings.holidays))
    while True:
        try:
            async with connect(
                settings.require_database_url(), name="parking forecast", autocommit=True
            ) as connection:
                await check_schema(connection)
                await _stand_by(connection)
                await _work(connection, forecaster)
        except Exception as error:
            say = log.exception if classify(error) is Failure.DATA else log.warning
            say("no forecasts were made", error=str(error).strip(), will="retry")
        await asyncio.sleep(random.uniform(STAND_BY_S / 2, STAND_BY_S))


async def _stand_by(connection: Connection) -> None:
    """Wait until nobody else makes forecasts."""
    while True:
        if await hold(connection):
            return
        await asyncio.sleep(STAND_BY_S)


async def _work(connection: Connection, forecaster: Forecaster) -> None:
    log.info("making forecasts")
    while True:
        with answering_within(connection, PATIENCE_S):
            now = await database_time(connection)
            sites = await forecaster.round(connection, now=now)
            log.debug("forecasts", sites=sites)
            await _learn(connection, forecaster, until=now.replace(second=0) + timedelta(minutes=1))
        now = await database_time(connection)
        await asyncio.sleep(MINUTE_S - now.second - now.microsecond / 1e6 + _LATE_S)


async def _learn(connection: Connection, forecaster: Forecaster, *, until: datetime) -> None:
    """Let sites that are new learn from their past, until all have or the next round is due."""
    while (now := await database_time(connection)) < until:
        if (learned := await forecaster.learn(connection, now=now)) is None:
            return
        log.info("learned from the past", sites=learned)


def _holidays(place: str) -> frozenset[date]:
    country, _, part = place.partition("-")
    if not country:
        return frozenset()
    this_year = datetime.now(UTC).year
    try:
        return public_holidays(country, part or None, range(this_year - 1, this_year + _YEARS))
    except ForecastInputError as error:
        log.error(f"PARKING_HOLIDAYS: {error.message}; going without", hint=error.hint)
        return frozenset()


async def _main(settings: Settings) -> None:
    """Work until a signal comes or whoever started us has gone."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    work = asyncio.create_task(foretell(settings), name="forecast")
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, reader.feed_eof)
    alone = asyncio.create_task(reader.read(), name="standard input")
    await asyncio.wait((work, alone), return_when=asyncio.FIRST_COMPLETED)
    if work.done():
        work.result()
    # What a thread still computes is of no use any more; nothing here has to be put in order.
    os._exit(0)


if __name__ == "__main__":
    settings = load_settings()
    configure_logging(settings, process="forecast")
    os.nice(10)
    asyncio.run(_main(settings))
