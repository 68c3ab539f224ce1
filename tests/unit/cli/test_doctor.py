"""What the doctor says of the signs and of the forecasts."""

from datetime import UTC, datetime

import pytest

from cli.doctor import judge_forecast, judge_health
from parking.db.health import Health

NOW = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("signs", "decided_s", "ok", "says"),
    [
        (3, 0.5, True, "an ingestor decides what they show"),
        (3, 75.0, None, "nobody decides for them since 75 s"),
        (3, None, None, "nobody decides for them yet"),
    ],
)
def test_it_says_when_nobody_decides_for_the_signs(
    signs: int, decided_s: float | None, ok: bool | None, says: str
) -> None:
    (finding,) = (f for f in judge_health(health(signs, decided_s), NOW.timestamp()) if f.subject == "signs")
    assert finding.ok is ok
    assert says in finding.says


def test_without_signs_there_is_nothing_to_say() -> None:
    assert [f for f in judge_health(health(0, None), NOW.timestamp()) if f.subject == "signs"] == []


def health(signs: int, decided_s: float | None) -> Health:
    """A database in which all else is well."""
    return Health(NOW, 1, 1, 0, signs, 1.0, (), decided_s)


@pytest.mark.parametrize(
    ("made_s", "wanted", "ok", "says"),
    [
        (55.0, True, True, "last made 55 s ago"),
        (400.0, True, None, "last made 7 minutes ago; they should be made each minute"),
        (7200.0, True, False, "last made 120 minutes ago; they are not told any more after 15"),
        (None, True, None, "none has been made yet"),
        (7200.0, False, None, "PARKING_FORECAST is false"),
    ],
)
def test_it_tells_how_old_the_forecasts_are(
    made_s: float | None, wanted: bool, ok: bool | None, says: str
) -> None:
    finding = judge_forecast(made_s, wanted=wanted)
    assert finding.ok is ok
    assert says in finding.says
