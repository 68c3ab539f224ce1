"""Batches of bay observations as numpy columns, and the merge of a batch into the bays' timelines.

Theory of operation. `Positions` holds where each bay's timeline stands. `merge` takes a batch of
observations and works out, without a loop over messages, what they add: events that are new, stays that
ended, and the bays' new positions. It handles the usual case only: a bay whose new events plainly follow its
last one. Any other bay is named in `Merged.rebuild` and left to `parking.rebuild`; the rules of
`parking.timeline` define both.

Times are microseconds since the Unix epoch (int64). A bay is a slot: its index in the table.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt

from parking.model import EventKind, Occupancy
from parking.timeline import SEQUENCE_MODULUS

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float32]

STATES = (Occupancy.VACANT, Occupancy.OCCUPIED, Occupancy.UNKNOWN)
VACANT, OCCUPIED, UNKNOWN, UNSAID = 0, 1, 2, -1
"""Codes of a state in columns; UNSAID is of a message that says nothing of occupancy."""
STATE_CODES = {state: code for code, state in enumerate(STATES)}
KINDS = tuple(EventKind)
KIND_CODES = {kind: code for code, kind in enumerate(KINDS)}
NOTHING = -1
"""No previous duration, no position, never seen."""


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def microseconds(at: datetime) -> int:
    """A time as microseconds since 1970, exactly."""
    since = at - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def moment(us: int) -> datetime:
    """The time that lies so many microseconds after 1970."""
    return _EPOCH + timedelta(microseconds=int(us))


@dataclass(slots=True)
class Observations:
    """Columns of one batch, a row for each observation, in order of arrival."""

    bay: Ints
    session: Ints
    seq: Ints
    part: Ints
    event_us: Ints
    seen_us: Ints
    received_us: Ints
    age_s: Ints
    previous_s: Ints
    state: Ints
    kind: Ints
    fault: Bools
    battery_v: Floats
    temperature_c: Floats

    def __len__(self) -> int:
        return len(self.bay)


def column_types(kind: type[Any]) -> dict[str, Any]:
    """The numpy type of each column of `Observations` or `Positions`."""
    types = {Ints: np.int64, Bools: np.bool_, Floats: np.float32}
    return {column.name: types[column.type] for column in fields(kind)}  # type: ignore[index]


_COLUMN_TYPES = column_types(Observations)


def observations(rows: Sequence[tuple[Any, ...]]) -> Observations:
    """Columns from rows whose values are in the order of the fields of `Observations`."""
    columns = zip(*rows, strict=True) if rows else ([] for _ in _COLUMN_TYPES)
    made = [
        np.array(values, dtype=kind) for values, kind in zip(columns, _COLUMN_TYPES.values(), strict=True)
    ]
    return Observations(*made)


def concatenate(parts: Sequence[Observations]) -> Observations:
    """One after the other."""
    if len(parts) == 1:
        return parts[0]
    names = _COLUMN_TYPES
    return Observations(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


def take(batch: Observations, rows: Ints) -> Observations:
    """Copies of these rows."""
    return Observations(*(getattr(batch, name)[rows] for name in _COLUMN_TYPES))


@dataclass(slots=True)
class Positions:
    """Columns of where bays stand; the same names as the columns of the table `bay_state`.

    `held` is the state that is shown until the reported one has lasted, NOTHING if nothing is held back.
    """

    version: Ints
    state: Ints
    reported: Ints
    silent: Bools
    fault: Bools
    since: Ints
    start_seen: Bools
    seen_at: Ints
    event_at: Ints
    placed_at: Ints
    age_s: Ints
    session: Ints
    seq: Ints
    part: Ints
    settled: Bools
    held: Ints
    battery_v: Floats
    temperature_c: Floats
    silent_until: Ints

    def take(self, slots: Ints) -> "Positions":
        """Copies of these slots' rows."""
        return Positions(*(getattr(self, column.name)[slots] for column in fields(self)))

    def put(self, slots: Ints, rows: "Positions") -> None:
        """Write rows back to their slots."""
        for column in fields(self):
            getattr(self, column.name)[slots] = getattr(rows, column.name)


def positions(columns: dict[str, Sequence[Any]]) -> Positions:
    """Positions from the values of each column."""
    types = column_types(Positions)
    return Positions(**{name: np.array(columns[name], dtype=kind) for name, kind in types.items()})


def stacked(parts: Sequence[Positions]) -> Positions:
    """One after the other."""
    names = column_types(Positions)
    return Positions(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in names})


@dataclass(slots=True)
class Merged:
    """What a batch adds to the bays that it could extend. `rebuild` are the slots that it could not.

    `slots` are the bays heard of (ascending) and `positions` their new rows, those to be rebuilt included
    (with what was heard, but their old place). `moved` says which of them have a new event. `events` are
    row numbers of the observations. A stay has bay, start, end and whether these were seen; a run of unknown
    has bay, start and end. `first` are the times of first events, of the bays `first_bay`.
    """

    slots: Ints
    positions: Positions
    moved: Bools
    rebuild: Ints
    events: Ints
    duplicates: int
    stay_bay: Ints
    stay_start: Ints
    stay_end: Ints
    stay_start_seen: Bools
    stay_end_seen: Bools
    unknown_bay: Ints
    unknown_start: Ints
    unknown_end: Ints
    first_bay: Ints
    first: Ints


def merge(table: Positions, batch: Observations, *, hold_us: int = 0) -> Merged:
    """Work out what a batch adds; `table` stays as it is. The batch is not empty.

    A state that began after one of less than `hold_us` is held back: see `parking.timeline.held`.
    """
    slots, heard = _hear(table, batch)
    rows, duplicates, rebuild = _following(table, batch)
    bay, event_us, state = batch.bay[rows], batch.event_us[rows], batch.state[rows]
    first = _changes(bay)
    before = np.where(first, table.reported[bay], _shifted(state))
    fresh = first & (table.event_at[bay] == NOTHING)
    change = np.flatnonzero((state != before) | fresh)
    cbay, ctime, cbefore = bay[change], event_us[change], before[change]
    cfirst = _changes(cbay)
    run_start = np.where(cfirst, table.since[cbay], _shifted(ctime))
    run_start_seen = np.where(cfirst, table.start_seen[cbay], _shifted(cbefore) == VACANT)
    ended = (cbefore == OCCUPIED) & (ctime > run_start)
    begun = fresh[change]
    told = (cbefore == UNKNOWN) & (ctime > run_start) & ~begun
    moved = np.isin(slots, bay, assume_unique=False)
    _move(heard, moved, batch, rows)
    last_change = np.flatnonzero(_changes_after(cbay))
    at = np.searchsorted(slots, cbay[last_change])
    heard.since[at] = ctime[last_change]
    heard.start_seen[at] = cbefore[last_change] == VACANT
    held = _held(
        table,
        bay=cbay,
        first=cfirst,
        before=cbefore,
        state=state[change],
        lasted=ctime - run_start,
        hold_us=hold_us,
    )
    heard.held[at] = held[last_change]
    return Merged(
        slots=slots,
        positions=heard,
        moved=moved,
        rebuild=rebuild,
        events=rows,
        duplicates=duplicates,
        stay_bay=cbay[ended],
        stay_start=run_start[ended],
        stay_end=ctime[ended],
        stay_start_seen=run_start_seen[ended],
        stay_end_seen=state[change][ended] == VACANT,
        unknown_bay=cbay[told],
        unknown_start=run_start[told],
        unknown_end=ctime[told],
        first_bay=cbay[begun],
        first=ctime[begun],
    )


def nothing_merged(table: Positions, slots: Ints) -> Merged:
    """These bays as they are, for a change that no message made."""
    ints, bools = np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.bool_)
    moved = np.zeros(len(slots), dtype=np.bool_)
    return Merged(
        slots, table.take(slots), moved, ints, ints, 0,
        ints, ints, ints, bools, bools, ints, ints, ints, ints, ints,
    )  # fmt: skip


def publish(rows: Positions, ttl_us: Ints, now_us: int, *, hold_us: int = 0) -> None:
    """Set what is published of each bay: unknown while its device is silent, else what was reported, or,
    until that has lasted, what is held.
    """
    rows.silent = (rows.seen_at == NOTHING) | (rows.seen_at + ttl_us < now_us)
    shown = np.where(is_held(rows, now_us, hold_us=hold_us), rows.held, rows.reported)
    rows.state = np.where(rows.silent, UNKNOWN, shown)


def is_held(rows: Positions, now_us: int, *, hold_us: int) -> Bools:
    """Which bays' reported state has not lasted for long enough yet."""
    held: Bools = (rows.held != NOTHING) & (rows.since + hold_us > now_us)
    return held


def _held(
    table: Positions, *, bay: Ints, first: Bools, before: Ints, state: Ints, lasted: Ints, hold_us: int
) -> Ints:
    """What is held back after each change, in the order of bay and time; `parking.timeline.held` by columns.

    `before` is the state that the change ended, `lasted` for how long it had been.
    """
    short = lasted < hold_us
    restless = short & (state != UNKNOWN) & ~(first & (table.event_at[bay] == NOTHING))
    was_restless = np.where(first, table.held[bay] != NOTHING, np.concatenate((restless[:1], restless[:-1])))
    believed = ~(was_restless & short)
    # What was shown last is the latest state that was believed, or what was held before this batch.
    source = np.maximum.accumulate(np.where(believed | first, np.arange(len(bay)), 0))
    shown = np.where(believed, before, table.held[bay])[source]
    return np.where(restless, shown, NOTHING)


def _changes(sorted_values: Ints) -> Bools:
    """Where a run of equal values begins."""
    found = np.ones(len(sorted_values), dtype=np.bool_)
    found[1:] = sorted_values[1:] != sorted_values[:-1]
    return found


def _changes_after(sorted_values: Ints) -> Bools:
    """Where a run of equal values ends."""
    found = np.ones(len(sorted_values), dtype=np.bool_)
    found[:-1] = sorted_values[1:] != sorted_values[:-1]
    return found


def _shifted(values: Ints) -> Ints:
    """Each row's predecessor; the first row's own value, which no caller uses."""
    return np.concatenate((values[:1], values[:-1]))


def _hear(table: Positions, batch: Observations) -> tuple[Ints, Positions]:
    """The bays in the batch, and their rows with what was heard: when, battery, temperature."""
    order = np.lexsort((batch.seen_us, batch.bay))
    bay = batch.bay[order]
    last = _changes_after(bay)
    slots = bay[last]
    rows = table.take(slots)
    for name in ("battery_v", "temperature_c"):
        values = getattr(batch, name)[order]
        said = np.flatnonzero(~np.isnan(values) & (batch.seen_us[order] >= table.seen_at[bay]))
        at = np.searchsorted(slots, bay[said])
        getattr(rows, name)[at] = values[said]  # of several for one bay the last, the latest, stays
    rows.seen_at = np.maximum(rows.seen_at, batch.seen_us[order][last])
    return slots, rows


def _following(table: Positions, batch: Observations) -> tuple[Ints, int, Ints]:
    """The rows that extend their bay's timeline, in order; how many were copies; the bays to rebuild."""
    told = np.flatnonzero(batch.state != UNSAID)
    keys = (batch.event_us, batch.age_s, batch.part, batch.seq, batch.session, batch.bay)
    rows = told[np.lexsort(tuple(key[told] for key in keys))]
    rows = rows[~_repeats(batch, rows)]
    bay = batch.bay[rows]
    at_last = (
        (batch.session[rows] == table.session[bay])
        & (batch.seq[rows] == table.seq[bay])
        & (batch.part[rows] == table.part[bay])
    )
    sooner = (batch.age_s[rows] < table.age_s[bay]) | (
        (batch.age_s[rows] == table.age_s[bay]) & (batch.event_us[rows] < table.event_at[bay])
    )
    odd = ~table.settled[bay] | (at_last & sooner)
    new = rows[~at_last]
    odd_bays = np.concatenate((bay[odd], batch.bay[new][~_follow(table, batch, new)]))
    rebuild = np.unique(odd_bays)
    fast = ~np.isin(batch.bay[new], rebuild)
    told_fast = int(np.count_nonzero(~np.isin(batch.bay[told], rebuild)))
    extend = new[fast]
    return extend, told_fast - len(extend), rebuild


def _repeats(batch: Observations, rows: Ints) -> Bools:
    """Which rows, sorted by identity, repeat the identity of the row before."""
    found = np.zeros(len(rows), dtype=np.bool_)
    found[1:] = True
    for name in ("bay", "session", "seq", "part"):
        values = getattr(batch, name)[rows]
        found[1:] &= values[1:] == values[:-1]
    return found


def _follow(table: Positions, batch: Observations, rows: Ints) -> Bools:
    """Which rows, sorted by bay and sequence, plainly follow the one before, or the bay's last event."""
    bay, seq, part = batch.bay[rows], batch.seq[rows], batch.part[rows]
    first = _changes(bay)

    fresh = table.event_at[bay] == NOTHING

    def before(values: Ints, known: Ints) -> Ints:
        return np.where(first, known[bay], _shifted(values))

    seq_before = before(seq, table.seq)
    later = (seq > seq_before) | ((seq == seq_before) & (part > before(part, table.part)))
    follows: Bools = (
        (batch.session[rows] == before(batch.session[rows], table.session))
        & later
        & ~((seq > seq_before + 1) & (batch.previous_s[rows] != NOTHING))
        & (batch.event_us[rows] >= before(batch.event_us[rows], table.placed_at))
    ) | (fresh & first)
    base = np.where(fresh, seq[first][np.cumsum(first) - 1] if len(seq) else seq, table.seq[bay])
    follows &= seq - base <= SEQUENCE_MODULUS // 2
    return follows


def _move(heard: Positions, moved: Bools, batch: Observations, rows: Ints) -> None:
    """Set each moved bay's place to its last new event."""
    bay = batch.bay[rows]
    last = rows[_changes_after(bay)]
    at = np.flatnonzero(moved)
    heard.reported[at] = batch.state[last]
    heard.fault[at] = batch.fault[last]
    heard.event_at[at] = heard.placed_at[at] = batch.event_us[last]
    for name in ("age_s", "session", "seq", "part"):
        getattr(heard, name)[at] = getattr(batch, name)[last]
