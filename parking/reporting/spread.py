"""Spreads times over buckets of any lengths, exactly, in whole microseconds."""

import numpy as np

from parking.columns import Ints
from parking.usage import Spans


def spread(times: Spans, edges: Ints, owners: int) -> Ints:
    """How much of each bucket the spans of each owner fill: shape (owners, buckets).

    A span fills its first bucket from its start on, its last until its end, and what is between whole. Where
    first and last are one bucket, that counts it whole once too often, and what is between once too few.
    """
    start, end = np.maximum(times.start_us, edges[0]), np.minimum(times.end_us, edges[-1])
    some = end > start
    owner, weight, start, end = times.owner[some], times.weight[some], start[some], end[some]
    first = np.searchsorted(edges, start, side="right") - 1
    last = np.searchsorted(edges, end, side="left") - 1
    buckets = len(edges) - 1
    filled = np.zeros((owners, buckets), dtype=np.int64)
    between = np.zeros((owners, buckets + 1), dtype=np.int64)
    np.add.at(filled, (owner, first), weight * (edges[first + 1] - start))
    np.add.at(filled, (owner, last), weight * (end - edges[last]))
    np.add.at(between, (owner, first + 1), weight)
    np.add.at(between, (owner, last), -weight)
    found: Ints = filled + np.cumsum(between[:, :-1], axis=1) * np.diff(edges)
    return found


def bucket_of(at_us: Ints, edges: Ints) -> Ints:
    """The bucket of each moment, -1 for one outside."""
    place = np.searchsorted(edges, at_us, side="right") - 1
    found: Ints = np.where((at_us >= edges[0]) & (at_us < edges[-1]), place, -1)
    return found


def measure(from_us: Ints, until_us: Ints, at_us: Ints) -> Ints:
    """How much of disjoint intervals, in order, lies before each moment."""
    if not len(from_us):
        return np.zeros(len(at_us), dtype=np.int64)
    total = np.concatenate(([0], np.cumsum(until_us - from_us)))
    place = np.searchsorted(from_us, at_us, side="right")
    before = np.maximum(place - 1, 0)
    beyond = np.where(place > 0, np.maximum(until_us[before] - at_us, 0), 0)
    found: Ints = total[place] - beyond
    return found
