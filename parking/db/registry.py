"""Loads a registry into the database, whole or not at all, and reads from it who watches what."""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, LiteralString
from zoneinfo import ZoneInfo

from parking.availability import ttl
from parking.clock import CameraClock, TimeFrom
from parking.db.connect import Connection, chunks, statement
from parking.db.opening import OpeningTimes
from parking.db.periods import end_watches, keep_periods, recount_days
from parking.db.sites import lock_sites, publish_sites, recount
from parking.details import FIELDS
from parking.devices import DEVICE_TYPES
from parking.errors import RegistryError
from parking.model import Direction
from parking.registry import Registry

_BAY_COLUMNS = {"id", "category", "location", "sensor"}

_MANY = 500
"""So many new or changed rows at once, and the planner is told of them before they are used."""
_ANALYZE: dict[str, LiteralString] = {"bays": "analyze_bays", "sensors": "analyze_devices"}

UNWATCHED_SESSION = -2
"""Stands where a device's session does, in the events by which the registry says that the device left."""


@dataclass(frozen=True, slots=True)
class Imported:
    """How many things of each kind were created, changed, or retired. What is not counted was as it is."""

    created: dict[str, int]
    changed: dict[str, int]
    retired: dict[str, int]


@dataclass(frozen=True, slots=True)
class Watch:
    """A registered device: its codec and, unless it is in the store room, its bay and site.

    `since` is when it came to the bay after a swap; None if neither it nor the bay ever knew another.
    """

    codec: str
    bay: str | None
    site: str | None
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Directory:
    """Who watches what, as the registry last said. Device and camera ids are as in MQTT topics.

    `clocks` say how far to trust each camera's time, `repeats` for how long alike plates are one vehicle.
    """

    devices: dict[str, Watch]
    gates: dict[str, tuple[str, Direction]]
    clocks: dict[str, CameraClock] = field(default_factory=dict)
    repeats: dict[str, timedelta] = field(default_factory=dict)

    def codec(self, device: str) -> str | None:
        """The codec of a device, or None if it is not registered."""
        watch = self.devices.get(device)
        return watch.codec if watch else None


async def load_directory(connection: Connection, *, same: dict[str, str] | None = None) -> Directory:
    """Read who watches what, within a transaction. Equal texts are one object; `same` collects them."""
    one = ({} if same is None else same).setdefault
    devices: dict[str, Watch] = {}
    async for rows in chunks(connection, statement("registry", "devices")):
        for device, codec, bay, site, since in rows:
            watch = (
                Watch(one(codec, codec), one(bay, bay), one(site, site), since)
                if site
                else Watch(codec, None, None)
            )
            devices[one(device, device)] = watch
    gates = await (await connection.execute(statement("registry", "gates"))).fetchall()
    return Directory(
        devices,
        {camera: (site, Direction(direction)) for camera, site, direction, _, _ in gates},
        {camera: _clock(options, timezone) for camera, _, _, options, timezone in gates},
        {
            camera: timedelta(seconds=options["repeat_s"])
            for camera, _, _, options, _ in gates
            if "repeat_s" in options
        },
    )


def _clock(options: Mapping[str, Any], timezone: str) -> CameraClock:
    return CameraClock(
        TimeFrom(options.get("time", TimeFrom.AUTO)), ZoneInfo(options.get("timezone", timezone))
    )


async def import_registry(connection: Connection, registry: Registry) -> Imported:
    """Make the database agree with the file for each site in it. Others keep all that the file does not take.

    One transaction. Raises RegistryError where the file contradicts what is in use.
    """
    rows = _rows(registry)
    sites = [site.id for site in registry.sites]
    created: Counter[str] = Counter()
    changed: Counter[str] = Counter()
    retired: Counter[str] = Counter()

    async def run(name: str, **parameters: Any) -> list[tuple[Any, ...]]:
        cursor = await connection.execute(statement("registry", name), parameters)
        return await cursor.fetchall() if cursor.description else []

    async def upsert(name: str, kind: str) -> None:
        flags = Counter(new for (new,) in await run(name, rows=rows[kind]))
        created[kind] += flags[True]
        changed[kind] += flags[False]
        if kind in _ANALYZE and flags.total() > _MANY:
            await run(_ANALYZE[kind])

    async with connection.transaction():
        await run("lock")
        await _refuse_other_counting(connection, rows["sites"])
        affected = [
            site
            for (site,) in await run(
                "affected_sites", sites=sites, bays=rows["bays"], sensors=rows["sensors"]
            )
        ]
        await lock_sites(connection, affected)
        await run("lock_bays", sites=affected)
        ((at,),) = await run("time")
        moved = [site for (site,) in await run("zone_changed", rows=rows["sites"])]
        await upsert("upsert_sites", "sites")
        await upsert("upsert_bays", "bays")
        bays = [bay.id for site in registry.sites for bay in site.bays]
        retired["bays"] = len(await run("retire_bays", sites=sites, bays=bays))
        await keep_periods(connection, sites=affected, at=at)
        await run("unassign_devices", sites=sites, rows=rows["sensors"])
        await run("release_devices", rows=rows["sensors"])
        await upsert("upsert_devices", "sensors")
        for name in ("end_assignments", "begin_first_assignments", "begin_assignments"):
            await run(name, sites=affected, at=at)
        await upsert("upsert_gates", "gates")
        cameras = [gate.camera for site in registry.sites for gate in site.gates]
        retired["gates"] = len(await run("remove_gates", sites=sites, cameras=cameras))
        await upsert("upsert_signs", "signs")
        signs = [sign.id for sign, _ in registry.signs()]
        retired["signs"] = len(await run("remove_signs", sites=sites, signs=signs))
        await run("clear_sign_sites", rows=rows["signs"])
        await run("assign_signs", rows=rows["signs"])
        await end_watches(connection, sites=affected, at=at)
        for name in ("end_watches", "forget_reported"):
            await run(name, sites=affected, session=UNWATCHED_SESSION, at=at)
        await run("drop_states")
        await run("upsert_states", sites=affected, ttl_of_a_second=ttl(1).total_seconds(), at=at)
        await run("first_count", rows=rows["sites"])
        await run("first_state", sites=sites)
        await recount_days(connection, moved)
        opening = OpeningTimes()
        await opening.load(connection)
        await opening.turn(connection, now=at)
        # Again, now with the new sites; vehicles pass the gates meanwhile.
        locked = await lock_sites(connection, affected)
        await publish_sites(connection, locked, bays=await recount(connection, affected), inside={})
        await run("notify")
    return Imported(+created, +changed, +retired)


async def _refuse_other_counting(connection: Connection, rows: str) -> None:
    cursor = await connection.execute(statement("registry", "counting_changed"), {"rows": rows})
    problems = tuple(
        f"site {site!r} is counted by {now}; the file says {then}"
        for site, now, then in await cursor.fetchall()
    )
    if problems:
        raise RegistryError(
            "A site in use cannot change how it is counted; nothing was loaded",
            problems=problems,
            hint="Give the newly equipped site an id of its own, so that the old history keeps its meaning.",
        )


def _rows(registry: Registry) -> dict[str, str]:
    """The registry as JSON rows of each kind."""
    sites = [
        {
            "site_id": site.id,
            **site.model_dump(
                mode="json", include={"name", "kind", "counting", "capacity", "timezone", "status"}
            ),
            "capacity": site.capacity if site.counting == "gates" else None,
            **_point(site.location),
            "initial_count": site.initial_count,
            "details": site.model_dump(mode="json", include=set(FIELDS), exclude_defaults=True),
        }
        for site in registry.sites
    ]
    bays = [
        {
            "bay_id": bay.id,
            "site_id": site.id,
            "category": bay.category,
            **_point(bay.location),
            "details": bay.model_dump(mode="json", exclude=_BAY_COLUMNS, exclude_defaults=True),
        }
        for site in registry.sites
        for bay in site.bays
    ]
    sensors = [
        {
            "device_id": bay.sensor.id,
            "bay_id": bay.id,
            "codec": bay.sensor.codec,
            "heartbeat_s": bay.sensor.heartbeat_s or DEVICE_TYPES[bay.sensor.codec].heartbeat_s,
        }
        for site in registry.sites
        for bay in site.bays
        if bay.sensor
    ]
    gates = [
        {
            "camera_id": gate.camera,
            "site_id": site.id,
            "direction": gate.direction,
            "options": gate.model_dump(mode="json", exclude={"camera", "direction"}, exclude_defaults=True),
        }
        for site in registry.sites
        for gate in site.gates
    ]
    signs = [
        {
            "sign_id": sign.id,
            "sites": list(sign.sites) or [site.id],
            "details": {
                "listed_under": site.id,
                **sign.settings(),
            },
        }
        for site in registry.sites
        for sign in site.signs
    ]
    kinds = {"sites": sites, "bays": bays, "sensors": sensors, "gates": gates, "signs": signs}
    return {kind: json.dumps(rows) for kind, rows in kinds.items()}


def _point(location: Any) -> dict[str, float | None]:
    return {"lon": location.lon if location else None, "lat": location.lat if location else None}
