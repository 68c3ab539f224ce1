"""What a device that is known already is changed in when a bay gets it."""

from api.pages.staff.registry.things import DEVICE_SHEET, REJECTED
from parking.db.pool import Pool
from parking.db.registry_read import read_one
from parking.registry_documents import Document


async def swapped_in(database: Pool, before: Document, after: Document) -> list[str]:
    """In sentences, what the bay's new device is told to be besides; none for another kind of thing."""
    device = after.get("sensor", {})
    if not device or device["id"] == before.get("sensor", {}).get("id"):
        return []
    async with database.transaction() as connection:
        known = await read_one(connection, "devices", device["id"])
    if known is None:
        return []
    changes = DEVICE_SHEET.changes(known, {**device, "bay": known["bay"]})
    notes = [
        f"Device {device['id']} is known with another {label.lower()}: {was or 'the usual'}. "
        f"It becomes {now or 'the usual'}."
        for label, was, now in changes
    ]
    return notes if known["codec"] == device["codec"] else [*notes, REJECTED]
