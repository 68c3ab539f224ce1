"""Processes that must be alone at one task hold a lock of the database for it: no two tasks share one."""

import re
from importlib.resources import files

_LOCK = re.compile(r"pg_(?:try_)?advisory_(?:xact_)?lock\(([^;]+)\)")


def test_no_two_tasks_share_a_lock() -> None:
    found: dict[str, str] = {}
    for file in files("parking.db.queries").iterdir():
        if file.name.endswith(".sql"):
            for key in _LOCK.findall(file.read_text("utf-8")):
                assert key not in found, f"{file.name} and {found[key]} both lock {key}"
                found[key] = file.name
    assert len(found) >= 8
