"""A publisher at the test's broker."""

from collections.abc import AsyncIterator

import pytest

from tests.support.publishing import Publish, publishing


@pytest.fixture
async def publish(mqtt_url: str) -> AsyncIterator[Publish]:
    """Publish anything, as `tests.support.publishing` says."""
    async with publishing(mqtt_url) as send:
        yield send
