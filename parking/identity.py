"""What makes two messages about a LoRaWAN device the same event: numbers from what every copy carries.

A network server's own ids do not do: one uplink may be told twice, by two messages with ids of their own.
The frame counter does not either: a device that is activated by personalisation starts again at 0 after a
reboot, with the same address. So an event is the device, its session, its counter, and in `part` its port,
its payload and the minute in which the network heard it. docs/decisions/010 has the reasons.
"""

from datetime import UTC, datetime, timedelta
from typing import Final
from zlib import crc32

NETWORK_TIMED: Final = 1 << 32
"""Sessions from this number on: the network's clock orders their events, the counter does not."""
WINDOW: Final = timedelta(minutes=1)
"""Two uplinks with the same counter, port and payload within one such span are copies of one event."""
PARTS: Final = 1 << 15
"""Parts are below this: they are stored in 16 bits with a sign."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


def network_session(name: str, *, timed: bool = True) -> int:
    """The number of a LoRaWAN session; `name` is empty where the network server does not name it.

    `timed` says that the network server gives the time of each uplink.
    """
    number = crc32(name.encode()) if name else 0
    return number | NETWORK_TIMED if timed else number


def network_part(
    payload: bytes, *, port: int | None, heard_at: datetime | None, counted: bool = True, readings: int = 1
) -> int:
    """The part of an uplink's first reading; the others follow it, one by one.

    `heard_at` is the network's time, None where it gives none. Without a counter (`counted`) only the
    exact time tells two uplinks apart.
    """
    span = WINDOW if counted else _MICROSECOND
    when = "" if heard_at is None else (heard_at - _EPOCH) // span
    digest = crc32(payload, crc32(f"{port}|{when}".encode()))
    return digest % (PARTS // readings) * readings
