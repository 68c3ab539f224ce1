"""LILIN: the list of reads that its cameras answer (`get_search_info?list=log`), for a bridge to pass on.

`TS` is microseconds UTC and names the read. The lists of allowed, denied and visiting plates have the same
form and are no reads.
"""

from typing import Final

import msgspec

from ingest.adapters import checks, sightings
from ingest.adapters.base import Ignored
from ingest.adapters.sightings import MAX_SIGHTINGS, Number, Seen, Sighting
from parking.errors import Rejection


class _Entry(msgspec.Struct):
    plate: str | None = msgspec.field(default=None, name="LPR")
    stamp: Number = msgspec.field(default=None, name="TS")
    threshold: Number = msgspec.field(default=None, name="THRESHOLD")


class _List(msgspec.Struct):
    entries: list[_Entry] = msgspec.field(default=[], name="INFORMATION")
    kind: str = msgspec.field(default="log", name="LIST_TYPE")


_LIST: Final = msgspec.json.Decoder(_List)


def read(payload: bytes) -> Seen:
    """The vehicles in a list; raises Rejection."""
    told = checks.parse_json(payload, _LIST, private=True)
    if told.kind != "log":
        return Ignored("a list of plates that are expected, not read")
    if len(told.entries) > MAX_SIGHTINGS:
        raise Rejection("out_of_range", f"{len(told.entries)} reads, at most {MAX_SIGHTINGS}")
    return tuple(
        Sighting(
            plate=sightings.plate(entry.plate),
            event_id=sightings.text_of(entry.stamp),
            stamp=sightings.epoch(entry.stamp, "TS", per_second=1_000_000),
            confidence=sightings.confidence(entry.threshold, full=1),
        )
        for entry in told.entries
    ) or Ignored("no vehicle was seen")
