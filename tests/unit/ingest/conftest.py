"""Messages and a registry for the tests of decoding."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime

import pytest

from ingest.decode import decode
from ingest.decoded import Decoded

ARRIVAL = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)

Decode = Callable[..., Decoded]


class FixedDirectory:
    """A registry that knows these devices and their codecs."""

    def __init__(self, codecs: Mapping[str, str]) -> None:
        self._codecs = codecs

    def codec(self, device: str) -> str | None:
        return self._codecs.get(device)


@pytest.fixture
def arrival() -> datetime:
    """When the messages of a test arrive."""
    return ARRIVAL


@pytest.fixture
def decoded(arrival: datetime) -> Decode:
    """Decodes `(topic, payload, devices={id: codec})` as having arrived at `arrival`."""

    def run(topic: str, payload: bytes | str, *, devices: Mapping[str, str] | None = None) -> Decoded:
        data = payload.encode() if isinstance(payload, str) else payload
        return decode(topic, data, received_at=arrival, directory=FixedDirectory(devices or {}))

    return run
