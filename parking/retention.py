"""How long what is stored is kept, table by table, and what may never go."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from parking.errors import SettingsError

FOR_EVER: Final = 0
"""As a number of days: nothing is removed."""
MOST: Final = 36_525


@dataclass(frozen=True, slots=True)
class Kept:
    """A table: kept for `days` unless the settings say otherwise, and never for less than `least`."""

    table: str
    days: int
    least: int
    what: str


KEPT: Final = (
    Kept("bay_event", 400, 60, "what sensors reported"),
    Kept("ended_stay", 1100, 60, "stays that have ended"),
    Kept("gate_event", 400, 60, "vehicles at gates, without plates"),
    Kept("unknown_run", 1100, 60, "spells that are over in which bays were unknown"),
    Kept("silent_spell", 1100, 60, "spells that are over in which devices were silent"),
    Kept("visit", 1100, 60, "visits to gate-counted sites that are over, without plates"),
    Kept("site_usage", FOR_EVER, 400, "use by quarter hours, which reports rest on"),
    Kept("site_day", FOR_EVER, 400, "the same by days"),
    Kept("site_count", 1100, 100, "published numbers by quarter hours, which forecasts learn from"),
    Kept("forecast_made", 7, 3, "forecasts one by one"),
    Kept("forecast_score", 800, 30, "how good forecasts were, by day"),
    Kept("rejected_message", 60, 16, "messages that could not be used"),
    Kept("health_finding", 800, 60, "what was wrong with devices, once it is over"),
)
"""All else stays: registry, corrections, closures, the audit log, and where bays stand with open stays."""


def kept_days(wanted: Mapping[str, int]) -> dict[str, int]:
    """For how many days each table is kept. Raises SettingsError that says what cannot be."""
    by_table = {one.table: one for one in KEPT}
    for table, days in wanted.items():
        if (one := by_table.get(table)) is None:
            raise SettingsError(
                f"{table!r:.80} is not a table that is ever cleared; those are: {', '.join(by_table)}"
            )
        if type(days) is not int or (days != FOR_EVER and not one.least <= days <= MOST):
            raise SettingsError(
                f"{table}: {days!r:.20} days; it takes {one.least} to {MOST}, since the system itself reads "
                "that far back, or 0 for ever"
            )
    return {one.table: wanted.get(one.table, one.days) for one in KEPT}
