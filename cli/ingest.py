"""`parking ingest`: from the broker to the database."""

import asyncio

from ingest.service import run
from parking.logs import configure_logging
from parking.settings import load_settings


def ingest() -> None:
    """Take messages from the broker and store them; SIGTERM ends it cleanly.

    Needs PARKING_DATABASE_URL and PARKING_MQTT_URL. A message is acknowledged only when it is stored, so the
    process may be killed at any time.
    """
    settings = load_settings()
    configure_logging(settings, process="ingest")
    asyncio.run(run(settings))
