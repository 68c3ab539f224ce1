"""What the doctor says of the signs."""

from datetime import UTC, datetime

import pytest

from cli.doctor import judge_health
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
