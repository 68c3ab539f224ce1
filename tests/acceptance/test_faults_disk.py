"""The database's disk runs full under load: the ingestor waits, blames no message, stores all in the end."""

import psycopg
import pytest

from tests.acceptance.conftest import Town
from tests.support.polling import until
from tests.support.postgres import PrivatePostgres, Template, kept_running
from tests.support.volume import can_mount

pytestmark = [pytest.mark.mosquitto, pytest.mark.timescale]

VOLUME_MB = 256


@pytest.mark.parametrize("panic", [False, True], ids=["data", "log"])
async def test_a_full_disk_loses_nothing_and_blames_no_message(
    loaded: Town, template: Template, panic: bool
) -> None:
    if not can_mount():
        pytest.skip("this machine does not let us mount a volume of limited size")
    async with (
        PrivatePostgres(template, volume_mb=VOLUME_MB) as postgres,
        kept_running(postgres),
        loaded(database_url=postgres.url) as rig,
    ):
        ingestor = await rig.connected_ingest()
        await rig.stored(1000)
        postgres.volume.fill()
        if panic:
            # The next record of its log needs a new file. Without space for it PostgreSQL ends itself.
            with psycopg.connect(postgres.admin_url, autocommit=True) as connection:
                connection.execute("SELECT pg_switch_wal()")
        await until(
            lambda: ("PANIC" if panic else "No space left on device") in postgres.log.read_text(),
            timeout=30,
            what="the disk is full",
        )
        await rig.told(5000)
        postgres.volume.free()
        await rig.nothing_lost_nothing_twice(ingestor)
