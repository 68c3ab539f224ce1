"""Puts the pages of the registry into the application."""

from typing import Final

from api.pages.staff.desk import Desk
from api.pages.staff.registry.adding import add_adding
from api.pages.staff.registry.editing import add_editing
from api.pages.staff.registry.importing import add_importing
from api.pages.staff.registry.listing import add_lists
from api.pages.staff.registry.removing import add_removing
from api.pages.staff.registry.signs import SIGNS
from api.pages.staff.registry.sites import SITES
from api.pages.staff.registry.things import BAYS, DEVICES, GATES, SWAP_SHEET
from parking.db.pool import Pool

SHELVES: Final = (SITES, BAYS, DEVICES, GATES, SIGNS)


def add_registry(desk: Desk, database: Pool, database_url: str) -> None:
    """Add the lists, the forms, and the files."""
    add_lists(desk, database, SHELVES)
    add_importing(desk, database_url)
    for shelf in SHELVES:
        add_adding(desk, database, shelf)
        add_removing(desk, database, shelf)
        add_editing(desk, database, shelf, shelf.sheet)
    add_editing(desk, database, BAYS, SWAP_SHEET, part="/device")
