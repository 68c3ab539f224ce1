"""The forecast beats every simple one on a real city, by a margin that a change must not lose."""

from pathlib import Path

import pytest

from cli.evaluation import Evaluation, run


@pytest.fixture(scope="module")
def evaluation(shared_dir: Path) -> Evaluation:
    file = shared_dir / "datasets" / "birmingham-2016" / "occupancy.csv"
    if not file.is_file():
        pytest.skip(f"the data set is not here: {file}")
    return run(
        file,
        horizons_s=(1800, 3600, 7200, 86_400),
        warm_up_days=14,
        timezone="Europe/London",
        country="GB",
        subdivision="ENG",
    )


def test_it_beats_the_best_baseline_at_every_horizon(evaluation: Evaluation) -> None:
    gains = {card.horizon_s // 60: card.gain for card in evaluation.results.overall}
    assert gains[30] > 0.25
    assert min(gains.values()) > 0.18


def test_the_intervals_cover_what_they_promise(evaluation: Evaluation) -> None:
    for card in evaluation.results.overall:
        assert 0.75 <= card.engine.coverage <= 0.85


def test_distribution_and_chance_are_better_than_those_of_any_baseline(evaluation: Evaluation) -> None:
    for card in evaluation.results.overall:
        others = [score for score in card.scores if score is not card.engine]
        assert card.engine.pinball < min(score.pinball for score in others)
        assert card.engine.brier < min(score.brier for score in others)


def test_it_says_what_was_odd_in_the_file(evaluation: Evaluation) -> None:
    found = evaluation.history.oddities
    assert (found.rows, found.negative, found.copies + found.conflicts) == (35_717, 12, 216)
    assert found.over_capacity > 0
    assert found.missing_days > 0
