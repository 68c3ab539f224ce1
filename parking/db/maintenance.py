"""Reads the open findings, silent signs and drivers' notes, for the maintenance list."""

from dataclasses import fields, replace
from typing import Any

from parking.db.connect import Connection, statement
from parking.db.notes import waiting_notes
from parking.db.sign_polls import silent_signs
from parking.health.maintenance import Fault, Maintenance, plan_visits
from parking.health.model import Rule

MOST = 20_000
"""Faults that are listed; with more than that the trouble is not the devices'."""
_FIELDS = tuple(field.name for field in fields(Fault))


async def load_maintenance(connection: Connection) -> Maintenance:
    """What is wrong now, planned as visits."""
    swept = await (await connection.execute(statement("findings", "last_sweep"))).fetchone()
    cursor = await connection.execute(statement("findings", "maintenance"), {"most": MOST})
    faults = [_fault(*row) for row in await cursor.fetchall()]
    planned = plan_visits(faults, as_of=swept[0] if swept else None)
    signs, notes = await silent_signs(connection), await waiting_notes(connection)
    return replace(planned, signs=tuple(signs), notes=tuple(notes))


def _fault(*row: Any) -> Fault:
    values = dict(zip(_FIELDS, row, strict=True))
    values["rule"] = Rule(values["rule"])
    values["lost_h"] = round(values["lost_h"], 1)
    return Fault(**values)
