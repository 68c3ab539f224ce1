"""Distances on the ground, anywhere on earth."""

import numpy as np
import pytest

from api.sphere import Points, metres, on_sphere, spans, square_of


@pytest.mark.parametrize(
    ("start", "end", "far"),
    [
        ((51.482, -3.176), (51.482, -3.176), 0),
        ((0.0, 0.0), (0.0, 1.0), 111_195),
        ((0.0, 179.5), (0.0, -179.5), 111_195),
        ((90.0, 0.0), (90.0, 123.0), 0),
        ((0.0, 0.0), (0.0, 180.0), 20_015_115),
        ((51.5074, -0.1278), (48.8566, 2.3522), 343_600),  # London to Paris
    ],
)
def test_distances(start: tuple[float, float], end: tuple[float, float], far: float) -> None:
    here = np.array(on_sphere(np.array(start[1]), np.array(start[0])))
    squares = Points(np.array([end[1]]), np.array([end[0]])).squares(here, np.array([0]))
    assert metres(squares)[0] == pytest.approx(far, abs=max(1, far / 500))


@pytest.mark.parametrize("far", [0.0, 1.0, 500.0, 1_000_000.0, 20_000_000.0])
def test_a_radius_is_a_chord_and_back(far: float) -> None:
    assert metres(np.array([square_of(far)]))[0] == pytest.approx(far)


def test_spans_lists_ranges_one_after_the_other() -> None:
    assert spans(np.array([3, 7, 7, 0]), np.array([5, 7, 8, 2])).tolist() == [3, 4, 7, 0, 1]
    assert spans(np.array([], dtype=np.int64), np.array([], dtype=np.int64)).tolist() == []
