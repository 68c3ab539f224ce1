"""Names in equal parts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parking.parts import part_of


@given(st.text(), st.integers(1, 64))
def test_every_name_has_one_part(name: str, count: int) -> None:
    assert 0 <= part_of(name, count) < count
    assert part_of(name, count) == part_of(name, count)


@pytest.mark.parametrize("name", ["street-{}", "site{:03}", "parking/v1/a{}/bay/s/up"])
@pytest.mark.parametrize("count", [2, 3, 4, 7])
def test_even_a_few_names_that_differ_little_are_spread(name: str, count: int) -> None:
    found = [part_of(name.format(number), count) for number in range(40)]
    assert set(found) == set(range(count))
    assert max(found.count(part) for part in range(count)) < 2.2 * 40 / count


def test_the_parts_stay_what_they_are() -> None:
    """Another assignment would need sessions at the broker to be emptied: see docs/operations.md."""
    assert [part_of(name, 4) for name in ("queen-street", "castle-mews", "a", "")] == [1, 2, 3, 0]
