"""The benchmarks of reports and exports run, and what they fill in is what ingest would have kept."""

import numpy as np

from bench import exports, reports
from bench.a_year import BEGIN, City, fill
from parking.db.connect import connect
from parking.exporting.formats import Format


async def test_reports_are_timed() -> None:
    found = await reports.measure(bays=100, days=12, plain=False)

    assert found.stays > 100 * 12 * 8
    assert set(found.city_by_month) == {1, 3, 6, 12}


async def test_exports_are_measured() -> None:
    found = await exports.measure(bays=60, days=12, forms=[Format.CSV, Format.PARQUET])

    assert {(one.form, one.days) for one in found} == {
        (form, days) for form in ("csv", "parquet") for days in (1, 12)
    }
    whole = {one.form: one for one in found if one.days == 12}
    assert whole["csv"].rows > 60 * 12 * 8
    assert all(one.file_mb > 0 for one in found)


async def test_the_sums_are_those_of_the_stays(database_url: str) -> None:
    async with connect(database_url, name="test", autocommit=True) as connection:
        stays = await fill(connection, City(60), 3, lambda day, count: None)
        rows = await connection.execute(
            "SELECT (SELECT sum(extract(epoch FROM ended_at - started_at) * 1000000) FROM ended_stay),"
            " (SELECT sum(occupied_us) FROM site_usage), (SELECT sum(occupied_us) FROM site_day),"
            " (SELECT sum(sessions) FROM site_day), (SELECT min(started_at) >= %s FROM ended_stay)",
            (BEGIN,),
        )
        row = await rows.fetchone()
    assert row is not None
    told, by_quarter, by_day, sessions, after = row
    assert np.all([by_quarter == told, by_day == told, sessions == stays, after])
