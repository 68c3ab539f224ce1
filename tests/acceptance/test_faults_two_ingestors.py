"""Two ingestors by mistake on one client id: nothing is lost or doubled, and either goes on alone."""

import re

import pytest

from tests.acceptance.conftest import Town
from tests.support.polling import until

pytestmark = [pytest.mark.mosquitto, pytest.mark.timescale]

TOLD = r"(?i)taken over|another|same client|standby|second ingestor"


@pytest.mark.parametrize("ended", [0, 1], ids=["the first ends", "the second ends"])
async def test_two_ingestors_on_one_client_id_lose_and_double_nothing(
    loaded: Town, database_url: str, ended: int
) -> None:
    async with loaded(database_url=database_url) as rig:
        both = [await rig.connected_ingest()]
        await rig.stored(1000)
        both.append(await rig.start_ingest())
        await rig.told(3000)
        await until(
            lambda: any(re.search(TOLD, process.output) for process in both),
            what=lambda: "a log says that there are two:\n" + "\n".join(p.output for p in both),
        )
        assert [process.running for process in both] == [True, True]
        await rig.stored(0)
        await both.pop(ended).kill()
        await rig.stored(1500)
        await rig.nothing_lost_nothing_twice(*both)
