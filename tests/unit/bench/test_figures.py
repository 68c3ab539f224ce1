"""Medians, verdicts, the table and results.json."""

import json
from pathlib import Path

import pytest

from bench import figures
from bench.figures import Figure, Goal


def figure(values: list[float], ratios: list[float], goal: Goal | None) -> Figure:
    return Figure(name="f", what="w", unit="u", values=values, limits=[10, 30], ratios=ratios, goal=goal)


def test_the_figure_is_the_median_and_so_is_the_ratio_of_the_pairs() -> None:
    one = figure([5, 1, 2], [0.5, 0.1, 0.2], None)
    assert (one.value, one.limit, one.ratio, one.verdict) == (2, 20, 0.2, "")


@pytest.mark.parametrize(("ratio", "verdict"), [(0.2, "below"), (0.25, "must"), (0.4, "aim")])
def test_the_verdict_on_a_ratio(ratio: float, verdict: str) -> None:
    assert figure([1], [ratio], Goal(must=0.25, aim=0.4, ratio=True)).verdict == verdict


@pytest.mark.parametrize(("value", "verdict"), [(301, "below"), (300, "must"), (100, "aim")])
def test_the_verdict_on_a_value_that_should_be_low(value: float, verdict: str) -> None:
    assert figure([value], [], Goal(must=300, aim=100, lower_is_better=True)).verdict == verdict


def test_the_table_shows_value_limit_ratio_and_goal_of_each_figure() -> None:
    head, row = figures.table([figure([5, 1, 2], [0.2], Goal(must=0.25, aim=0.4, ratio=True))]).splitlines()
    assert head.split() == ["case", "figure", "from..to", "limit", "ratio", "must", "aim", "reached"]
    assert row.split() == ["f", "2", "u", "1..5", "20", "0.200", "0.25", "0.4", "below"]


def test_sections_of_results_are_kept_beside_each_other(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    figures.save("ingest", 1, path)
    figures.save("read", 2, path)
    figures.save("ingest", 3, path)
    assert json.loads(path.read_text()) == {"ingest": 3, "read": 2}
