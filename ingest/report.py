"""A line a minute that an operator can read."""

import asyncio
from collections.abc import Callable

import structlog

from ingest.consumer import Consumer
from ingest.metrics import Metrics
from ingest.source import Source

log = structlog.get_logger()

REPORT_S = 60.0


async def report(
    metrics: Metrics, source: Source, consumer: Consumer, trouble: Callable[[], str | None]
) -> None:
    """Say what was done in the last minute and how things stand, for as long as the task lives."""
    before = metrics.totals()
    while True:
        await asyncio.sleep(REPORT_S)
        now = metrics.totals()
        done = {name: int(now[name] - before[name]) for name in now}
        before = now
        stuck = not done["acknowledged"] and consumer.waiting
        say = log.warning if stuck or not source.connected else log.info
        say(
            "nothing was stored for a minute, though messages wait" if stuck else "ingest",
            **done,
            waiting=consumer.waiting,
            behind_s=round(consumer.behind_s, 1),
            connected=source.connected,
            current=consumer.current(),
            **({"trouble": said} if (said := trouble()) else {}),
        )
