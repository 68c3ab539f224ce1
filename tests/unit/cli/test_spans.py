"""Spans of time as people write them."""

import pytest

from cli.spans import span
from parking.errors import InputError


@pytest.mark.parametrize(
    ("text", "bare", "seconds"),
    [
        ("45s", None, 45),
        ("30m", None, 1800),
        ("12h", "m", 43_200),
        ("90d", None, 7_776_000),
        ("30", "m", 1800),
    ],
)
def test_a_span_is_a_number_and_its_unit(text: str, bare: str | None, seconds: float) -> None:
    assert span("for", text, bare=bare) == seconds


@pytest.mark.parametrize("text", ["", "30", "1.5h", "-5m", "12 h", "h", "21y", "0s", "٣m", "9" * 30])
def test_what_is_none_is_refused_with_the_rule(text: str) -> None:
    with pytest.raises(InputError) as refused:
        span("overlap", text)
    assert "overlap: must look like 30m" in refused.value.message
    assert "1s to 20y" in refused.value.message
