"""Has forecasts made by a process of its own: messages need not wait for what takes seconds."""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE, Process

import structlog

from parking.settings import Settings

log = structlog.get_logger()

SETTLE_S = 5.0
"""The ingestor comes first (seconds)."""
RESTART_S = 60.0
END_S = 5.0


async def forecasting(settings: Settings, *, settle_s: float = SETTLE_S) -> None:
    """Keep that process running for as long as the task lives; where no forecast is wanted, do nothing."""
    if not settings.forecast:
        return
    await asyncio.sleep(settle_s)
    while True:
        # Its standard input ends when we do, however that comes about; and then so does it.
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "ingest.foreteller", stdin=PIPE, env=_environment(settings)
        )
        try:
            code = await process.wait()
        finally:
            await asyncio.shield(_end(process))
        log.warning("the process that makes forecasts has ended", code=code, again_in_s=RESTART_S)
        await asyncio.sleep(RESTART_S)


async def _end(process: Process) -> None:
    assert process.stdin is not None, "it was opened as a pipe"
    process.stdin.close()
    try:
        async with asyncio.timeout(END_S):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()


def _environment(settings: Settings) -> dict[str, str]:
    return {
        **os.environ,
        "PARKING_DATABASE_URL": settings.require_database_url(),
        "PARKING_HOLIDAYS": settings.holidays,
        "PARKING_LOG_FORMAT": settings.log_format,
        "PARKING_LOG_LEVEL": settings.log_level,
    }
