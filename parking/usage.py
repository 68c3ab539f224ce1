"""Roll-ups of use: stays split at the quarter hours in which they lay, exactly."""

from dataclasses import dataclass

import numpy as np

from parking.columns import Bools, Ints

QUARTER_US = 900_000_000
"""A quarter of an hour: the finest bucket of a report, and a divisor of every time zone's offset."""


@dataclass(frozen=True, slots=True)
class Usage:
    """Sums by group and quarter, a row for each pair, in their order. Quarters count from 1970."""

    group: Ints
    quarter: Ints
    occupied_us: Ints
    arrivals: Ints
    departures: Ints


def usage(
    *, group: Ints, start_us: Ints, end_us: Ints, start_seen: Bools, end_seen: Bools, weight: Ints
) -> Usage:
    """What stays amount to. `weight` is 1 for a stay that is new and -1 for one that did not happen.

    A stay occupies its bay in each quarter for as long as it lay in it; it arrives in the quarter of its
    start and departs in that of its end, if that was seen.
    """
    first, last = start_us // QUARTER_US, (end_us - 1) // QUARTER_US
    parts = last - first + 1
    row = np.repeat(np.arange(len(group)), parts)
    quarter = first[row] + np.arange(len(row)) - np.repeat(np.cumsum(parts) - parts, parts)
    inside = np.minimum(end_us[row], (quarter + 1) * QUARTER_US) - np.maximum(
        start_us[row], quarter * QUARTER_US
    )
    end_quarter = end_us // QUARTER_US  # a departure at the stroke of a quarter belongs to the next
    keys = np.stack(
        (np.concatenate((group[row], group, group)), np.concatenate((quarter, first, end_quarter)))
    )
    pairs, place = np.unique(keys, axis=1, return_inverse=True)
    place = place.reshape(-1)
    spans = len(row), len(row) + len(group)

    def sums(values: Ints, where: Ints) -> Ints:
        found = np.zeros(pairs.shape[1], dtype=np.int64)
        np.add.at(found, where, values)
        return found

    found = Usage(
        pairs[0],
        pairs[1],
        sums(inside * weight[row], place[: spans[0]]),
        sums(start_seen * weight, place[spans[0] : spans[1]]),
        sums(end_seen * weight, place[spans[1] :]),
    )
    return _without_nothing(found)


def _without_nothing(found: Usage) -> Usage:
    """Leave out rows that change nothing."""
    some = (found.occupied_us != 0) | (found.arrivals != 0) | (found.departures != 0)
    return Usage(
        found.group[some],
        found.quarter[some],
        found.occupied_us[some],
        found.arrivals[some],
        found.departures[some],
    )
