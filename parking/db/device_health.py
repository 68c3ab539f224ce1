"""What devices say of themselves: the latest words, a daily sample of each battery, its forecast."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from parking.db.connect import Connection, statement
from parking.db.records import BayRecord, columns
from parking.health.battery import Sample, forecast

_WORDS = ("battery_pct", "battery_low", "margin_db", "heartbeat_s", "health")


async def store_words(connection: Connection, records: Sequence[BayRecord]) -> None:
    """Keep the latest of each; part of the events' transaction, written in order of the device."""
    latest: dict[str, dict[str, tuple[datetime, Any]]] = defaultdict(dict)
    for record in records:
        seen = record.observation
        for word in _WORDS:
            value = getattr(seen, word)
            if value is not None:
                said = latest[seen.device].get(word)
                if said is None or seen.seen_at >= said[0]:
                    latest[seen.device][word] = seen.seen_at, value
    if not latest:
        return
    rows = []
    for device, words in sorted(latest.items()):
        row: list[Any] = [device]
        for word in _WORDS:
            at, value = words.get(word, (None, None))
            row += [value.replace("\0", "") if isinstance(value, str) else value, at]
        rows.append(row)
    names = " ".join(["device_id", *(f"{word} {word}_at" for word in _WORDS)])
    await connection.execute(statement("device_health", "store_words"), columns(names, rows))


async def sample_batteries(connection: Connection, sites: Sequence[str], *, now: datetime) -> None:
    """Once a day (UTC) for each device of these sites: take a sample of its battery and forecast its end."""
    day = now.date()
    cursor = await connection.execute(
        statement("device_health", "take_samples"), {"sites": list(sites), "day": day, "now": now}
    )
    devices = [device for (device,) in await cursor.fetchall()]
    if devices:
        await connection.execute(statement("device_health", "thin_samples"), {"devices": devices, "day": day})
        await _forecast(connection, devices, day)


async def _forecast(connection: Connection, devices: list[str], day: date) -> None:
    cursor = await connection.execute(statement("device_health", "samples"), {"devices": devices, "day": day})
    samples: dict[str, list[Sample]] = defaultdict(list)
    for device, *values in await cursor.fetchall():
        samples[device].append(Sample(*values))
    # In a thread: it takes a quarter of a millisecond for each device.
    rows = await asyncio.to_thread(_forecast_all, samples, day)
    await connection.execute(
        statement("device_health", "store_forecasts"),
        columns("device_id empty_on empty_earliest forecast", rows),
    )


def _forecast_all(samples: Mapping[str, Sequence[Sample]], day: date) -> list[tuple[Any, ...]]:
    found = {device: forecast(told, today=day) for device, told in sorted(samples.items())}
    return [(device, told.empty_on, told.earliest, told.says) for device, told in found.items()]
