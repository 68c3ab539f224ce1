"""The devices and cameras of a registry that speak to the broker themselves."""

from pathlib import Path

from parking.access import Holder, Role, holder
from parking.registry import load_registry
from parking.settings import Settings

OWN_CODEC = "parking-v1"
"""A device with another codec is heard through its network server."""


def from_file(role: Role, path: Path) -> list[Holder]:
    """Those of a registry file. Raises RegistryError."""
    sites = load_registry(path).sites
    if role is Role.CAMERA:
        return [holder(role, gate.camera, site.id) for site in sites for gate in site.gates]
    return [
        holder(role, bay.sensor.id, site.id)
        for site in sites
        for bay in site.bays
        if bay.sensor is not None and bay.sensor.codec == OWN_CODEC
    ]


async def from_database(role: Role, settings: Settings) -> list[Holder]:
    """Those of the registry in the database; a device in the store room has no site, so none."""
    from parking.db.connect import connect
    from parking.db.migrate import check_schema
    from parking.db.registry import load_directory

    async with connect(settings.require_database_url(), name="parking credentials") as connection:
        await check_schema(connection)
        directory = await load_directory(connection)
    if role is Role.CAMERA:
        return [holder(role, camera, site) for camera, (site, _) in directory.gates.items()]
    return [
        holder(role, device, watch.site)
        for device, watch in directory.devices.items()
        if watch.codec == OWN_CODEC and watch.site is not None
    ]
