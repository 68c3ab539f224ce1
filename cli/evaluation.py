"""The body of `parking forecast evaluate`: read, replay, score, tell."""

import math
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from parking.backtest.reading import History, Oddities, read_history
from parking.backtest.replay import METHODS, replay
from parking.backtest.scores import Card, Results, results
from parking.forecast.calendar import DAY_S, Calendar, public_holidays, time_zone
from parking.forecast.series import ForecastInputError

_FIGURES = ("mae", "pinball", "coverage", "width", "brier")


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What was evaluated, how, and what came of it."""

    file: str
    history: History
    timezone: str
    holidays: str
    warm_up_days: int
    results: Results
    seconds: float


def run(
    file: Path,
    *,
    horizons_s: Sequence[int],
    warm_up_days: int,
    timezone: str,
    country: str,
    subdivision: str,
) -> Evaluation:
    """Evaluate a file; a progress bar on standard error if a person sees it."""
    began = time.perf_counter()
    zone = time_zone(timezone)
    with file.open(encoding="utf-8-sig", newline="") as lines:
        history = read_history(lines, Calendar(zone))
    calendar = Calendar(zone, _holidays(history, country=country, subdivision=subdivision))
    first_day = min(int(calendar.place(series.times)[0][0]) for series in history.counts if len(series.times))
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task("days replayed", total=None)
        replayed = replay(
            history,
            calendar,
            horizons_s=horizons_s,
            warm_up_days=warm_up_days,
            progress=lambda done, whole: bar.update(task, completed=done, total=whole),
        )
    scored = results(
        replayed,
        history.sites,
        horizons_s=horizons_s,
        judged_from=calendar.start_of(first_day + warm_up_days),
    )
    if not any(card.n for card in scored.overall):
        raise ForecastInputError(
            f"nothing to judge in {file}: no count lies near enough to any horizon after {warm_up_days} days",
            hint="It needs more days than --warm-up-days and a week, or counts closer together.",
        )
    where = "-".join(part for part in (country, subdivision) if part) or "none"
    seconds = time.perf_counter() - began
    return Evaluation(file.name, history, timezone, where, warm_up_days, scored, seconds)


def _holidays(history: History, *, country: str, subdivision: str) -> Any:
    if not country:
        return frozenset()
    ends = [edge for series in history.counts if len(series.times) for edge in series.times[[0, -1]].tolist()]
    years = {time.gmtime(at + shift).tm_year for at in ends for shift in (-DAY_S, DAY_S)}
    return public_holidays(country, subdivision or None, range(min(years), max(years) + 1))


def show(done: Evaluation, *, by_site: bool) -> None:
    """Print tables for a person."""
    console = Console(width=None if sys.stdout.isatty() else 110)
    console.print(_about(done), highlight=False)
    console.print(_oddities(done.history.oddities), highlight=False)
    for number, card in enumerate(done.results.overall):
        if card.n:
            console.print(_overall(card, done.results, number))
            console.print(_verdict(card), highlight=False)
        else:
            console.print(
                f"{card.horizon_s // 60} minutes ahead: no pair of counts to judge.\n", highlight=False
            )
    if by_site:
        console.print(_sites(done.results))


def _about(done: Evaluation) -> str:
    counts = sum(len(series.times) for series in done.history.counts)
    return (
        f"{done.file}: {len(done.history.sites)} sites, {counts} counts, times of {done.timezone}, "
        f"public holidays: {done.holidays}.\nJudged after {done.warm_up_days} days; {done.seconds:.0f} s."
    )


def _oddities(found: Oddities) -> str:
    return (
        f"Of {found.rows} rows: {found.negative} negative (left out), {found.over_capacity} over the capacity"
        f" (counted as full),\n{found.copies} copies and {found.conflicts} contradictions of the same site"
        f" and time (the last stands),\n{found.other_capacity} with another capacity (the highest stands)."
        f" {found.gaps} gaps within a day, {found.missing_days} site-days without a count."
    )


def _overall(card: Card, all_results: Results, number: int) -> Table:
    left_out = (
        f"{all_results.no_baseline[number]} left out for want of a baseline, "
        f"{all_results.no_number[number]} for want of a forecast"
    )
    table = Table(
        title=f"{card.horizon_s // 60} minutes ahead: {card.n} points ({left_out})", title_justify="left"
    )
    table.add_column("method")
    for heading in ("MAE %", "pinball %", "80 % covers", "width %", "Brier 5 % free"):
        table.add_column(heading, justify="right")
    for score in card.scores:
        cells = (
            f"{score.mae:.2f}",
            f"{score.pinball:.3f}",
            f"{100 * score.coverage:.1f} %",
            f"{score.width:.1f}",
            f"{score.brier:.4f}",
        )
        table.add_row(score.method, *cells, style="bold" if score.method == METHODS[0] else "")
    return table


def _verdict(card: Card) -> str:
    word = "below" if card.gain >= 0 else "above"
    return f"MAE {abs(100 * card.gain):.1f} % {word} the best baseline ({card.best_baseline.method}).\n"


def _sites(found: Results) -> Table:
    horizons = list(dict.fromkeys(card.horizon_s for card in found.by_site))
    table = Table(
        title="by site: MAE in % of capacity, forecast / best baseline (80 % covers)", title_justify="left"
    )
    table.add_column("site")
    for horizon in horizons:
        table.add_column(f"{horizon // 60} min", justify="right")
    cards = {(card.site, card.horizon_s): card for card in found.by_site}
    for site in dict.fromkeys(card.site for card in found.by_site):
        cells = []
        for horizon in horizons:
            card = cards.get((site, horizon))
            cells.append(
                f"{card.engine.mae:.2f} / {card.best_baseline.mae:.2f} ({100 * card.engine.coverage:.0f} %)"
                if card
                else "-"
            )
        table.add_row(site, *cells)
    return table


def figures(done: Evaluation) -> dict[str, Any]:
    """Everything as one JSON object."""
    found = done.results
    return {
        "file": done.file,
        "sites": len(done.history.sites),
        "timezone": done.timezone,
        "holidays": done.holidays,
        "warm_up_days": done.warm_up_days,
        "seconds": round(done.seconds, 2),
        "oddities": asdict(done.history.oddities),
        "overall": [
            {**_card(card), "no_baseline": found.no_baseline[number], "no_forecast": found.no_number[number]}
            for number, card in enumerate(found.overall)
        ],
        "by_site": [_card(card) for card in found.by_site],
    }


def _card(card: Card) -> dict[str, Any]:
    some = card.n > 0
    return {
        "horizon_minutes": card.horizon_s // 60,
        "site": card.site,
        "n": card.n,
        "gain": round(card.gain, 4) if some else None,
        "best_baseline": card.best_baseline.method if some else None,
        "methods": {
            score.method: {name: _number(getattr(score, name)) for name in _FIGURES} for score in card.scores
        },
    }


def _number(value: float) -> float | None:
    return None if math.isnan(value) else round(float(np.round(value, 6)), 6)
