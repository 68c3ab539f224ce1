"""How full a site usually is: a curve for a day to come, from the days before it.

Kriging over days, at each quarter hour by itself: a day to come is a weighted mean of past days, with the
weights that are best if two days resemble each other as `kinship` says. So a weekday's own past counts most,
other days of its type help while it has little, recent days count more, and gaps cost only what they hid.
A site that is young is first compared with the sites that it resembles, and learns its own ways from there.
"""

import numpy as np

from parking.forecast.calendar import SLOTS
from parking.forecast.series import Bools, Floats, Ints

MATURE_DAYS = 7
"""A site with a week of its own needs no other site's curve."""

# How much covariance two days have for what they share, and for how long (days), beside a day's own 0.1. From
# reasoning, not from any city: the level of a place is hardly known beforehand, working day or not matters
# more than the type of day, that more than the very weekday; drift and the mood of some days is less.
# The blend corrects what they get wrong.
_PLACE = 6.0
_WORKDAY, _WORKDAY_DAYS = 1.2, 80.0
_TYPE, _TYPE_DAYS = 0.4, 40.0
_WEEKDAY, _WEEKDAY_DAYS = 0.1, 40.0
_DRIFT, _DRIFT_DAYS = 0.1, 15.0
_MOOD, _MOOD_DAYS = 0.02, 2.0
_TYPE_DRIFT, _TYPE_DRIFT_DAYS = 0.05, 8.0
_OWN = 0.1
_ALIKE = 0.1
"""Sites whose curves differ by this share of the capacity still resemble each other."""
_OFFSET_SLOTS = 8
"""Quarter hours of its own after which a young site's level is believed to half."""

_TYPE_OF_KIND = np.array([0, 0, 0, 0, 0, 1, 2, 2])
"""Monday to Friday alike, Saturday, and Sunday with the public holidays."""


def day_type(kinds: Ints) -> Ints:
    """The type of each kind of day: 0 working day, 1 Saturday, 2 Sunday or public holiday."""
    return np.asarray(_TYPE_OF_KIND[kinds], dtype=np.int64)


def kinship(*, days: Ints, kinds: Ints, other_days: Ints, other_kinds: Ints) -> Floats:
    """The covariance of the levels of two days, for each pair [day, other]."""
    gap = np.abs(days[:, None] - other_days[None, :]).astype(np.float64)
    types, others = day_type(kinds)[:, None], day_type(other_kinds)[None, :]
    same_type = types == others
    same_kind = kinds[:, None] == other_kinds[None, :]
    both_work = (types == 0) == (others == 0)
    return np.asarray(
        _PLACE
        + _WORKDAY * both_work * np.exp(-gap / _WORKDAY_DAYS)
        + same_type * (_TYPE * np.exp(-gap / _TYPE_DAYS) + _TYPE_DRIFT * np.exp(-gap / _TYPE_DRIFT_DAYS))
        + _WEEKDAY * same_kind * np.exp(-gap / _WEEKDAY_DAYS)
        + _DRIFT * np.exp(-gap / _DRIFT_DAYS)
        + _MOOD * np.exp(-gap / _MOOD_DAYS)
    )


def distinct_days(levels: Floats) -> Ints:
    """On how many days each site [site, day, slot] has any level."""
    return np.asarray((~np.isnan(levels)).any(axis=2).sum(axis=1), dtype=np.int64)


def usual_curves(levels: Floats, *, kinds: Ints, days: Ints, targets: Ints, target_kinds: Ints) -> Floats:
    """The usual level [site, target, slot] of days to come, from past `levels` [site, day, slot].

    NaN where nothing is known: a quarter hour of which neither the site nor a site like it has any past.
    """
    among = kinship(days=days, kinds=kinds, other_days=days, other_kinds=kinds)
    towards = kinship(days=days, kinds=kinds, other_days=targets, other_kinds=target_kinds)
    seen = ~np.isnan(levels)
    mature = distinct_days(levels) >= MATURE_DAYS
    curves = np.full((len(levels), len(targets), SLOTS), np.nan)
    for site in np.flatnonzero(mature).tolist():
        own = levels[site]
        mean = float(own[seen[site]].mean())
        curves[site] = _kriged(own - mean, among=among, towards=towards) + mean
    for site in np.flatnonzero(~mature).tolist():
        curves[site] = _young(site, levels, curves, mature=mature, among=among, towards=towards)
    return curves


def _kriged(levels: Floats, *, among: Floats, towards: Floats) -> Floats:
    """The expected deviation from zero [target, slot] given `levels` [day, slot]; NaN without any."""
    seen = ~np.isnan(levels)
    found = np.full((towards.shape[1], levels.shape[1]), np.nan)
    patterns, which = np.unique(seen.T, axis=0, return_inverse=True)
    for number, days in enumerate(patterns):
        if days.any():
            slots = which.reshape(-1) == number
            matrix = among[np.ix_(days, days)] + _OWN * np.eye(int(days.sum()))
            weights = np.linalg.solve(matrix, towards[days])
            found[:, slots] = weights.T @ levels[np.ix_(days, slots)]
    return found


def _young(
    site: int, levels: Floats, curves: Floats, *, mature: Bools, among: Floats, towards: Floats
) -> Floats:
    """A young site's usual curve: that of the sites like it, corrected by its own few days."""
    own = levels[site]
    seen = ~np.isnan(own)
    if not mature.any():
        if not seen.any():
            return np.full(curves.shape[1:], np.nan)
        mean = float(own[seen].mean())
        return _kriged(own - mean, among=among, towards=towards) + mean
    weights = _likeness(own, levels[mature])
    borrowed = _weighted(levels[mature], weights)
    basis = _weighted(curves[mature], weights)
    apart = own - borrowed
    known = ~np.isnan(apart)
    if not known.any():
        return basis
    offset = float(apart[known].sum() / (known.sum() + _OFFSET_SLOTS))
    rest = _kriged(apart - offset, among=among, towards=towards)
    return basis + offset + np.nan_to_num(rest)


def _likeness(own: Floats, others: Floats) -> Floats:
    """Weights of other sites [other, day, slot], by how little they differ from `own` [day, slot]."""
    apart = (others - own) ** 2
    known = ~np.isnan(apart)
    count = known.sum(axis=(1, 2))
    mean = np.where(known, apart, 0).sum(axis=(1, 2)) / np.maximum(count, 1)
    if count.any():
        mean = np.where(count > 0, mean, np.max(mean[count > 0]))
    weights = np.exp(-(mean - mean.min()) / (2 * _ALIKE**2))
    return np.asarray(weights / weights.sum())


def _weighted(curves: Floats, weights: Floats) -> Floats:
    """The weighted mean over the first axis of what is known."""
    known = ~np.isnan(curves)
    share = np.einsum("s,s...->...", weights, known.astype(np.float64))
    total = np.einsum("s,s...->...", weights, np.where(known, curves, 0))
    return np.where(share > 0, total / np.where(share > 0, share, 1), np.nan)
