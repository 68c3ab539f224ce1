"""The forecast on made-up cities, and how long one takes: `python -m bench.forecast [--quick] [--json]`."""

import argparse
import json
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Final

import numpy as np
from rich.console import Console
from rich.table import Table

from bench.cities import CITIES, Character, make
from bench.figures import machine
from parking.backtest.reading import History
from parking.backtest.replay import replay
from parking.backtest.scores import Results, results
from parking.forecast.calendar import Calendar, time_zone
from parking.forecast.model import ForecastModel
from parking.forecast.series import Series
from parking.forecast.summary import MINUTES
from parking.forecast.town import Group, Place

HORIZONS_S: Final = (1800, 3600, 7200, 86_400)
_REPEATS: Final = 30
_QUICK_DAYS: Final = 16


@dataclass(frozen=True, slots=True)
class City:
    """How the forecast did in one city, and how long the replay took."""

    character: Character
    results: Results
    seconds: float


@dataclass(frozen=True, slots=True)
class Timing:
    """Processor time: microseconds a site for `horizons` forecasts, with others and alone; seconds to fit.

    `told_us` is what a site takes each minute in the live forecast: a count taken in and all moments told.
    """

    sites: int
    days: int
    horizons: int
    together_us: float
    alone_us: float
    told_us: float
    fit_s: float


def judge(character: Character) -> City:
    """Back-test one made-up city."""
    began = time.perf_counter()
    history, calendar = make(character), Calendar(time_zone("UTC"))
    replayed = replay(history, calendar, horizons_s=HORIZONS_S, warm_up_days=character.warm_up_days)
    start = int(history.counts[0].times[0]) // 86_400 + character.warm_up_days
    found = results(replayed, history.sites, horizons_s=HORIZONS_S, judged_from=calendar.start_of(start))
    return City(character, found, time.perf_counter() - began)


def timing(character: Character) -> Timing:
    """Time the forecasts of a city and of one site alone."""
    history = make(character)
    together, fit_s = _one(history, len(history.sites))
    alone, _ = _one(history, 1)
    return Timing(
        sites=len(history.sites),
        days=character.days,
        horizons=len(HORIZONS_S),
        together_us=together / len(history.sites),
        alone_us=alone,
        told_us=_told(history) / len(history.sites),
        fit_s=fit_s,
    )


def _one(history: History, sites: int) -> tuple[float, float]:
    """Microseconds of a question about the first sites (median), and seconds of the fit."""
    chosen = history.sites[:sites]
    counts = {site.id: series for site, series in zip(chosen, history.counts, strict=False)}
    began = time.process_time()
    model = ForecastModel.fit(chosen, Calendar(time_zone("UTC"), frozenset({date(2027, 1, 1)})), counts)
    fit_s = time.process_time() - began
    last = max(int(series.times[-1]) for series in counts.values())
    took = []
    for step in range(_REPEATS):
        began = time.process_time_ns()
        model.forecast(last + step, HORIZONS_S)
        took.append((time.process_time_ns() - began) / 1000)
    return statistics.median(took), fit_s


def _told(history: History) -> float:
    """Microseconds of a minute of the live forecast of all sites (median)."""
    places = tuple(
        Place(id=site.id, kind="off_street", timezone="UTC", capacity=site.capacity) for site in history.sites
    )
    group = Group(places)
    shares = {
        site.id: Series(series.times, series.occupied / site.capacity)
        for site, series in zip(history.sites, history.counts, strict=True)
    }
    group.fit(shares, {}, frozenset())
    last = max(int(series.times[-1]) for series in history.counts)
    open_ = np.zeros(len(MINUTES), dtype=np.bool_)
    took = []
    for minute in range(1, _REPEATS + 1):
        began = time.process_time_ns()
        group.update({place.id: (last + 60 * minute, place.capacity / 2) for place in places})
        group.foretell(last + 60 * minute, lambda site, moments: open_)
        took.append((time.process_time_ns() - began) / 1000)
    return statistics.median(took)


def as_json(cities: Sequence[City], timed: Timing) -> dict[str, Any]:
    """All figures."""
    return {
        **machine(),
        "cities": {
            city.character.name: [
                {
                    "horizon_minutes": card.horizon_s // 60,
                    "n": card.n,
                    "mae": round(card.engine.mae, 3),
                    "best_baseline": card.best_baseline.method,
                    "best_baseline_mae": round(card.best_baseline.mae, 3),
                    "gain": round(card.gain, 3),
                    "coverage": round(card.engine.coverage, 3),
                }
                for card in city.results.overall
                if card.n
            ]
            for city in cities
        },
        "timing": {
            "sites": timed.sites,
            "horizons": timed.horizons,
            "us_a_site_together": round(timed.together_us, 1),
            "us_a_site_alone": round(timed.alone_us, 1),
            "us_a_site_live": round(timed.told_us, 1),
            "live_moments": len(MINUTES),
            "fit_s": round(timed.fit_s, 2),
            "fit_days": timed.days,
        },
    }


def show(cities: Sequence[City], timed: Timing) -> None:
    """Print a table for a person."""
    console = Console(width=120)
    table = Table(title="MAE in % of capacity: forecast / best baseline, gain (80 % covers)")
    table.add_column("city")
    for horizon in HORIZONS_S:
        table.add_column(f"{horizon // 60} min", justify="right")
    for city in cities:
        cells = [
            f"{card.engine.mae:.2f} / {card.best_baseline.mae:.2f}\n"
            f"{100 * card.gain:+.0f} % ({100 * card.engine.coverage:.0f} %)"
            if card.n
            else "-"
            for card in city.results.overall
        ]
        table.add_row(f"{city.character.name}\n{city.character.what}", *cells)
    console.print(table)
    console.print(
        f"A forecast of {timed.horizons} horizons: {timed.together_us:.0f} us a site ({timed.sites} sites at "
        f"once), {timed.alone_us:.0f} us for one site alone; a minute of the live forecast, {len(MINUTES)} "
        f"moments: {timed.told_us:.0f} us a site; fit of {timed.days} days: {timed.fit_s:.1f} s "
        "(processor time).",
        highlight=False,
    )


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.forecast", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of a table")
    parser.add_argument("--quick", action="store_true", help="short histories: does it work, not how well")
    arguments = parser.parse_args()
    chosen = [
        replace(city, days=min(city.days, _QUICK_DAYS), warm_up_days=8, changed_after=None)
        if arguments.quick
        else city
        for city in CITIES
    ]
    cities = [judge(character) for character in chosen]
    timed = timing(chosen[0])
    if arguments.json:
        print(json.dumps(as_json(cities, timed), indent=2))
    else:
        show(cities, timed)


if __name__ == "__main__":
    main()
