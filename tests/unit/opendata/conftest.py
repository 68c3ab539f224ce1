"""Cities for the documents to tell of, and the official schemas to hold them against."""

from pathlib import Path

import pytest
from hypothesis import strategies as st

from api.opendata.city import City
from tests.support.published import KINDS, generated_city

CITIES: st.SearchStrategy[City] = st.builds(
    generated_city,
    st.lists(st.sampled_from(KINDS), max_size=8),
    st.integers(0, 10**6),
    stale=st.booleans(),
)
"""Any city: no site at all, and each kind of site beside any other."""
EVERY_KIND = generated_city(list(KINDS), 1)


@pytest.fixture(scope="session")
def schemas(shared_dir: Path) -> Path:
    """The folder of the official schemas."""
    return shared_dir / "schemas"
