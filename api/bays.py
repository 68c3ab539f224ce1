"""All bays in columns: a hundred thousand take some 25 MB, and numpy answers questions about many at once."""

from collections.abc import Iterator, Mapping
from copy import copy
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from parking.columns import microseconds, moment
from parking.db.binary import NEVER_US
from parking.db.live import BayFacts, BayNow, Location
from parking.db.live_bays import BayColumns, no_bays
from parking.model import Occupancy

STATES = (Occupancy.VACANT, Occupancy.OCCUPIED, Occupancy.UNKNOWN)
VACANT, OCCUPIED, UNKNOWN = range(3)
"""How `BayTable.state` says them."""

_CODES: dict[str, int] = {state: code for code, state in enumerate(STATES)}


class BayTable(Mapping[str, BayFacts]):
    """What is known of each bay, by id or by row; the bays of a site are neighbours.

    Columns by row: `site` (its place in `sites`), `category` (its place in `categories`), `lons` and `lats`
    (degrees, NaN without a location) and `max_stay_min` (0 where not known) are the registry's and do not
    change; `state` is what is published now.
    """

    def __init__(self, bays: BayColumns | None = None) -> None:
        bays = no_bays() if bays is None else bays
        self.ids = bays.ids
        self.sites, self.site = _coded(bays.sites)
        self.categories, self.category = _coded(bays.categories)
        self.lons, self.lats = bays.lons, bays.lats
        self.max_stay_min = bays.max_stay_min.astype(np.int32)
        self.state = np.array([_CODES[state] for state in bays.states], dtype=np.int8)
        self._since, self._fault = bays.since_us.copy(), bays.faults.copy()
        self._revision = bays.revisions.copy()
        self._rows = {id: row for row, id in enumerate(self.ids)}
        edges = np.searchsorted(self.site, np.arange(len(self.sites) + 1))
        self.starts, self.ends = edges[:-1], edges[1:]
        self._spans = {
            site: range(start, end)
            for site, start, end in zip(self.sites, self.starts.tolist(), self.ends.tolist(), strict=True)
        }

    def __getitem__(self, bay_id: str) -> BayFacts:
        return self.facts(self._rows[bay_id])

    def __iter__(self) -> Iterator[str]:
        return iter(self.ids)

    def __len__(self) -> int:
        return len(self.ids)

    def of(self, site_id: str) -> "SiteBays":
        """The bays of one site."""
        return SiteBays(self, self._spans.get(site_id, range(0)))

    def row(self, bay_id: str) -> int:
        """Where a bay is, -1 for none of these."""
        return self._rows.get(bay_id, -1)

    def facts(self, row: int) -> BayFacts:
        """What the registry says of the bay in that row."""
        return BayFacts(
            self.ids[row],
            self.sites[self.site[row]],
            self.category_of(row),
            self.location(row),
            int(self.max_stay_min[row]) or None,
        )

    def category_of(self, row: int) -> str:
        """What kind of space the bay in that row is."""
        return self.categories[int(self.category[row])]

    def location(self, row: int) -> Location | None:
        """Where the bay in that row lies, as far as it is known."""
        lon = float(self.lons[row])
        return None if lon != lon else (lon, float(self.lats[row]))

    def now(self, row: int) -> BayNow:
        """What is published of the bay in that row."""
        since = int(self._since[row])
        began = None if since == NEVER_US else moment(since)
        return BayNow(STATES[self.state[row]], began, bool(self._fault[row]), int(self._revision[row]))

    def set(self, row: int, now: BayNow) -> None:
        """Publish this of the bay in that row."""
        self.state[row] = _CODES[now.state]
        self._since[row] = _stored(now.since)
        self._fault[row] = now.fault
        self._revision[row] = now.revision

    def of_rows(self, rows: range) -> Iterator[tuple[BayFacts, BayNow]]:
        """What is known and published of these bays, several times as fast as one by one."""
        part = slice(rows.start, rows.stop)
        columns = (
            *(self.site, self.category, self.lons, self.lats, self.max_stay_min),
            *(self.state, self._since, self._fault, self._revision),
        )
        values = zip(self.ids[part], *(column[part].tolist() for column in columns), strict=True)
        for id, site, category, lon, lat, limit, state, since, fault, revision in values:
            at = None if lon != lon else (lon, lat)
            began = None if since == NEVER_US else moment(since)
            facts = BayFacts(id, self.sites[site], self.categories[category], at, limit or None)
            yield facts, BayNow(STATES[state], began, fault, revision)

    def copy(self) -> "BayTable":
        """The same bays as they are now; what is published later does not reach it."""
        copied = copy(self)
        copied.state, copied._since = self.state.copy(), self._since.copy()
        copied._fault, copied._revision = self._fault.copy(), self._revision.copy()
        return copied

    def same_facts(self, other: "BayTable") -> bool:
        """Whether the registry says the same of the bays of both."""
        return (
            self.ids == other.ids
            and (self.sites, self.categories) == (other.sites, other.categories)
            and np.array_equal(self.site, other.site)
            and np.array_equal(self.category, other.category)
            and np.array_equal(self.lons, other.lons, equal_nan=True)
            and np.array_equal(self.lats, other.lats, equal_nan=True)
            and np.array_equal(self.max_stay_min, other.max_stay_min)
        )


class SiteBays(Mapping[str, BayNow]):
    """What is published of the bays of one site, by id; `rows` are their places in `table`."""

    __slots__ = ("rows", "table")

    def __init__(self, table: BayTable, rows: range) -> None:
        self.table = table
        self.rows = rows

    def __getitem__(self, bay_id: str) -> BayNow:
        if (row := self.table.row(bay_id)) not in self.rows:
            raise KeyError(bay_id)
        return self.table.now(row)

    def __iter__(self) -> Iterator[str]:
        return iter(self.table.ids[self.rows.start : self.rows.stop])

    def __len__(self) -> int:
        return len(self.rows)

    def set(self, bay_id: str, now: BayNow) -> bool:
        """Publish this of a bay; False where it is none of the site's."""
        if (row := self.table.row(bay_id)) not in self.rows:
            return False
        self.table.set(row, now)
        return True


def _coded(names: list[str]) -> tuple[list[str], NDArray[np.int32]]:
    """The distinct names in order, and where each one's is."""
    distinct = sorted(set(names))
    place = {name: number for number, name in enumerate(distinct)}
    return distinct, np.array([place[name] for name in names], dtype=np.int32)


def _stored(moment: datetime | None) -> int:
    return NEVER_US if moment is None else microseconds(moment)
