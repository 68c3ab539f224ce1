"""Reports on use over HTTP: what a manager asks, and what is refused."""

import asyncio
import csv
import io
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cli.main import app
from parking.access_keys import Scope
from parking.db.connect import connect
from parking.db.records import Batch, BayRecord
from parking.db.write import write_batch
from parking.model import BayObservation, Occupancy
from tests.integration.api.conftest import Api, shares_api
from tests.support.access import bearer, key_of
from tests.support.services import run_sync

DAY = datetime(2026, 3, 2, tzinfo=UTC)  # a Monday; in March Cardiff's time is UTC
V, O = Occupancy.VACANT, Occupancy.OCCUPIED  # noqa: E741


async def lived(url: str) -> None:
    """Two bays of the first street, heard every half hour of one day.

    The first is taken from 08:00 to 10:00, and from 12:00 to 12:30; the second from 09:00 on until 21:00.
    """
    taken: dict[int, list[tuple[float, float]]] = {0: [(8, 10), (12, 12.5)], 1: [(9, 21)]}
    rows = []
    for bay, times in taken.items():
        for half in range(48):
            at = DAY + timedelta(minutes=30 * half)
            state = O if any(start * 2 <= half < end * 2 for start, end in times) else V
            said = BayObservation(
                device=f"sensor-0-{bay}", state=state, event_at=at, seen_at=at, session=1 << 40, seq=half
            )
            rows.append(BayRecord(f"street-0-{bay}", "street-0", said, at))
    async with connect(url, name="test", autocommit=True) as connection:
        await write_batch(connection, Batch(bays=rows), now=DAY + timedelta(days=1))
        await connection.execute(
            "UPDATE bay SET details = '{\"max_stay_min\": 60}' WHERE bay_id = 'street-0-0'"
        )


@pytest.fixture(scope="module")
def manager(shared_city_url: str) -> dict[str, str]:
    """The headers of one who may read reports, after that day."""
    run_sync(lived(shared_city_url))
    return bearer(run_sync(key_of(shared_city_url, Scope.REPORTS_READ)))


async def ask(api: Api, manager: dict[str, str], report: str, **asked: Any) -> Any:
    query = {"from": "2026-03-02", "until": "2026-03-03", **asked}
    answer = await api.client.get(f"/v1/reports/{report}", params=query, headers=manager)
    assert answer.status_code == 200, answer.text
    return answer.json() if answer.headers["content-type"] == "application/json" else answer.text


@shares_api
async def test_utilisation_tells_the_day_hour_by_hour(shared_api: Api, manager: dict[str, str]) -> None:
    report = await ask(shared_api, manager, "utilisation", bucket="hour", site="street-0")

    (line,) = report["lines"]
    assert line["total"]["occupied_hours"] == 2 + 0.5 + 12
    assert line["total"]["occupancy"] == pytest.approx(14.5 / 48)
    assert line["total"]["coverage"] == 1.0
    assert (line["total"]["arrivals"], line["total"]["departures"], line["total"]["sessions"]) == (3, 3, 3)
    assert line["total"]["average_dwell_s"] == pytest.approx(14.5 * 3600 / 3)
    assert line["total"]["turnover"] == pytest.approx(3 / 48)
    assert len(line["buckets"]) == 24
    assert line["peak"]["figures"]["occupancy"] == 1.0
    assert line["peak"]["start"] == "2026-03-02T09:00:00Z"
    assert report["asked"]["timezones"] == ["Europe/London"]
    assert "occupied / known time" in report["definitions"]["occupancy"]
    assert "misuse of bays" in report["not_claimed"]


@shares_api
async def test_a_report_by_bay_adds_up_to_the_report_by_site(
    shared_api: Api, manager: dict[str, str]
) -> None:
    by_site = await ask(shared_api, manager, "utilisation", bucket="all", site="street-0")
    by_bay = await ask(shared_api, manager, "utilisation", bucket="all", by="bay", site="street-0")

    heard = [line for line in by_bay["lines"] if line["total"]["coverage"]]
    assert [line["name"] for line in heard] == ["street-0-0", "street-0-1"]
    assert by_bay["total"] == by_site["total"]


@shares_api
async def test_the_profile_has_168_hours(shared_api: Api, manager: dict[str, str]) -> None:
    report = await ask(shared_api, manager, "profile", site="street-0")

    (line,) = report["lines"]
    at = {(hour["weekday"], hour["hour"]): hour["figures"] for hour in line["hours"]}
    assert len(at) == 168
    assert at[0, 9]["occupancy"] == 1.0
    assert at[0, 8]["occupancy"] == 0.5
    assert at[1, 9]["occupancy"] is None  # no Tuesday is in the period
    assert (line["peak"]["weekday"], line["peak"]["hour"]) == (0, 9)


@shares_api
async def test_dwell_has_quantiles_and_classes(shared_api: Api, manager: dict[str, str]) -> None:
    report = await ask(shared_api, manager, "dwell", site="street-0")

    (line,) = report["lines"]
    assert line["sessions"] == 3
    assert line["quantiles"]["0.5"] == 2 * 3600
    assert {one["from_min"]: one["sessions"] for one in line["classes"] if one["sessions"]} == {
        30: 1, 120: 1, 720: 1,
    }  # fmt: skip


@shares_api
async def test_overstays_are_counted_against_the_limit_of_the_bay(
    shared_api: Api, manager: dict[str, str]
) -> None:
    report = await ask(shared_api, manager, "overstays", site="street-0")

    (line,) = report["lines"]
    assert (line["stays"], line["overstays"], line["share"], line["over_hours"]) == (2, 1, 0.5, 1.0)
    (stay,) = report["longest"]
    assert (stay["bay"], stay["over_s"], stay["at_least"]) == ("street-0-0", 3600.0, False)


@shares_api
async def test_two_periods_are_compared(shared_api: Api, manager: dict[str, str]) -> None:
    second = {"with_from": "2026-03-02T12:00", "with_until": "2026-03-03"}
    report = await ask(shared_api, manager, "comparison", until="2026-03-02T12:00", site="street-0", **second)

    (line,) = report["lines"]
    assert line["first"]["occupancy"] == pytest.approx(5 / 24)
    assert line["second"]["occupancy"] == pytest.approx(9.5 / 24)
    assert line["occupancy_change"] == pytest.approx(4.5 / 24)
    assert line["sessions_ratio"] == 2.0


@shares_api
async def test_csv_has_a_row_for_each_bucket(shared_api: Api, manager: dict[str, str]) -> None:
    text = await ask(shared_api, manager, "utilisation", bucket="hour", site="street-0", format="csv")

    rows = list(csv.DictReader(io.StringIO(text)))
    assert len(rows) == 24
    assert (rows[9]["site"], rows[9]["occupancy"], rows[9]["coverage"]) == ("street-0", "1.0", "1.0")


async def test_gates_tell_of_a_car_park(api: Api, city_url: str) -> None:
    manager = bearer(await key_of(city_url, Scope.REPORTS_READ))
    passages = [("cm-in", "in", 8), ("cm-in", "in", 9), ("cm-out", "out", 18)]
    async with connect(city_url, name="test", autocommit=True) as connection:
        for number, (camera, direction, hour) in enumerate(passages):
            await connection.execute(
                "INSERT INTO gate_event (camera_id, site_id, event_at, event_id, direction, received_at)"
                " VALUES (%s, 'castle-mews', %s, %s, %s, now())",
                (camera, DAY + timedelta(hours=hour), str(number), direction),
            )
        await connection.execute("UPDATE site_state SET inside = 11 WHERE site_id = 'castle-mews'")
    report = await ask(api, manager, "gates", bucket="all")

    (line,) = report["lines"]
    assert line["inside_at_start"] == 10
    total = line["total"]
    assert (total["arrivals"], total["departures"], total["inside"]) == (2, 1, 11)
    assert total["average_inside"] == pytest.approx(10 + (16 + 15 - 6) / 24)
    assert total["occupancy"] == pytest.approx(total["average_inside"] / 100)


@shares_api
@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"from": "yesterday"}, "from 'yesterday'"),
        ({"from": "2026-03-02T07:20"}, "sums are kept by quarter hours"),
        ({"from": "2026-03-02T07:15:00Z"}, "without an offset"),
        ({"until": "2026-03-02"}, "is not after"),
        ({"until": "2046-03-02"}, "more than ten years"),
        ({"bucket": "fortnight"}, "it is one of 15min"),
        ({"by": "driver"}, "it is one of all"),
        ({"bucket": "15min", "until": "2028-03-02"}, "shorter period or a longer bucket"),
    ],
    ids=["word", "minute", "offset", "empty", "long", "bucket", "by", "many"],
)
async def test_what_cannot_be_asked_is_explained(
    shared_api: Api, manager: dict[str, str], asked: dict[str, str], words: str
) -> None:
    query = {"from": "2026-03-02", "until": "2026-03-03", **asked}
    answer = await shared_api.client.get("/v1/reports/utilisation", params=query, headers=manager)

    assert answer.status_code == 422
    assert words in answer.json()["detail"]


@shares_api
async def test_a_site_that_nobody_knows_is_not_found(shared_api: Api, manager: dict[str, str]) -> None:
    query = {"from": "2026-03-02", "until": "2026-03-03", "site": "nowhere"}
    answer = await shared_api.client.get("/v1/reports/utilisation", params=query, headers=manager)

    assert answer.status_code == 404
    assert "nowhere" in answer.json()["detail"]


@shares_api
async def test_reports_need_a_key_for_reports(shared_api: Api, shared_city_url: str) -> None:
    query = {"from": "2026-03-02", "until": "2026-03-03"}
    other = bearer(await key_of(shared_city_url, Scope.AUDIT_READ, name="other"))

    assert (await shared_api.client.get("/v1/reports/utilisation", params=query)).status_code == 401
    assert (
        await shared_api.client.get("/v1/reports/utilisation", params=query, headers=other)
    ).status_code == 403


@shares_api
async def test_a_key_bound_to_a_site_reads_that_site_alone(
    shared_api: Api, manager: dict[str, str], shared_city_url: str
) -> None:
    bound = bearer(await key_of(shared_city_url, Scope.REPORTS_READ, name="east", sites=["street-1"]))

    report = await ask(shared_api, bound, "utilisation")

    assert [line["name"] for line in report["lines"]] == ["street-1"]
    query = {"from": "2026-03-02", "until": "2026-03-03", "site": "street-0"}
    answer = await shared_api.client.get("/v1/reports/utilisation", params=query, headers=bound)
    assert answer.status_code == 403


@shares_api
async def test_a_month_is_a_page_and_a_pdf_with_plots(
    shared_api: Api,
    manager: dict[str, str],
    shared_city_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = {"month": "2026-03", "site": "street-0"}
    page = await shared_api.client.get("/v1/reports/monthly", params=asked, headers=manager)
    assert page.status_code == 200, page.text
    assert page.text.count('<img src="data:image/svg+xml;base64,') == 3
    assert "Use of parking, March 2026: Street 0" in page.text
    assert "misuse of bays" in page.text
    assert "<script" not in page.text

    report = await shared_api.client.get(
        "/v1/reports/monthly", params={**asked, "format": "json"}, headers=manager
    )
    total = report.json()["change"]["total"]
    assert total["second"]["sessions"] == 3
    assert total["first"]["occupancy"] is None  # nothing was there in February

    monkeypatch.setenv("PARKING_DATABASE_URL", shared_city_url)
    file = tmp_path / "march.pdf"
    arguments = ["report", "monthly", "2026-03", "--site", "street-0", "--pdf", str(file)]
    done = await asyncio.to_thread(CliRunner().invoke, app, arguments)
    assert done.exit_code == 0, done.output
    assert file.read_bytes().startswith(b"%PDF-")
    answer = await shared_api.client.get(
        "/v1/reports/monthly", params={**asked, "format": "pdf"}, headers=manager
    )
    assert answer.content.startswith(b"%PDF-")


@shares_api
async def test_a_month_that_is_none_is_explained(shared_api: Api, manager: dict[str, str]) -> None:
    answer = await shared_api.client.get("/v1/reports/monthly", params={"month": "2026-13"}, headers=manager)

    assert answer.status_code == 422
    assert "a month such as 2026-03" in answer.json()["detail"]
