"""History as files, over HTTP and as a command, read back by what users read it with."""

import csv
import io
import json
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pyarrow import parquet
from typer.testing import CliRunner

from cli.main import app
from parking.access_keys import Scope
from parking.db.connect import connect
from tests.integration.api.conftest import Api
from tests.support.access import bearer, key_of

DAY = datetime(2026, 3, 2, tzinfo=UTC)
PERIOD = {"from": "2026-03-02", "until": "2026-03-03"}
MANY = 30_000


@pytest.fixture
async def manager(api: Api, city_url: str) -> dict[str, str]:
    """The headers of one who may read exports, of a street with many short stays and a car park."""
    async with connect(city_url, name="test", autocommit=True) as connection:
        await connection.execute(
            "INSERT INTO ended_stay"
            " SELECT 'street-0-' || n %% 4, 'street-0', t.at, t.at + INTERVAL '5 s', n > 3, true"
            " FROM generate_series(0, %(many)s - 1) AS n,"
            " LATERAL (SELECT %(day)s::timestamptz + n / 4 * INTERVAL '10 s' AS at) AS t",
            {"day": DAY, "many": MANY},
        )
        await connection.execute(
            "INSERT INTO gate_event (camera_id, site_id, event_at, event_id, direction, token, received_at)"
            " VALUES ('cm-in', 'castle-mews', %s, '1', 'in', 'secret', now())",
            (DAY + timedelta(hours=8),),
        )
    return bearer(await key_of(city_url, Scope.REPORTS_READ))


async def fetch(api: Api, manager: dict[str, str], kind: str, form: str) -> bytes:
    answer = await api.client.get(f"/v1/exports/{kind}", params={**PERIOD, "format": form}, headers=manager)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-disposition"] == f'attachment; filename="{kind}-20260302-20260303.{form}"'
    return answer.content


async def test_all_formats_hold_the_same_stays(api: Api, manager: dict[str, str]) -> None:
    lines = [json.loads(line) for line in (await fetch(api, manager, "stays", "jsonl")).splitlines()]
    assert len(lines) == MANY
    assert lines[0] == {
        "bay": "street-0-0", "site": "street-0", "category": "standard",
        "started_at": "2026-03-02T00:00:00+00:00", "ended_at": "2026-03-02T00:00:05+00:00",
        "start_seen": False, "end_seen": True, "dwell_s": 5.0,
    }  # fmt: skip

    rows = list(csv.DictReader(io.StringIO((await fetch(api, manager, "stays", "csv")).decode())))
    assert [(row["bay"], row["started_at"]) for row in rows] == [
        (one["bay"], one["started_at"]) for one in lines
    ]

    table = parquet.read_table(io.BytesIO(await fetch(api, manager, "stays", "parquet")))
    assert table.column("bay").to_pylist() == [one["bay"] for one in lines]
    assert [at.isoformat() for at in table.column("started_at").to_pylist()] == [
        one["started_at"] for one in lines
    ]

    with zipfile.ZipFile(io.BytesIO(await fetch(api, manager, "stays", "xlsx"))) as book:
        sheet = book.read("xl/worksheets/sheet1.xml").decode()
    assert sheet.count("<row ") == MANY + 1
    assert "<f>" not in sheet


async def test_more_rows_than_a_worksheet_has_are_refused_before_the_file_begins(
    api: Api, manager: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("parking.exporting.formats.XLSX_ROWS", MANY - 1)
    answer = await api.client.get("/v1/exports/stays", params={**PERIOD, "format": "xlsx"}, headers=manager)
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    assert f"a worksheet has {MANY - 1} rows; ask for a shorter period" in answer.json()["detail"]


async def test_passages_hold_no_token(api: Api, manager: dict[str, str]) -> None:
    (line,) = (await fetch(api, manager, "passages", "jsonl")).splitlines()

    assert json.loads(line) == {
        "site": "castle-mews", "camera": "cm-in", "event_at": "2026-03-02T08:00:00+00:00", "direction": "in",
        "confidence": None,
    }  # fmt: skip


async def test_an_export_of_nothing_has_a_head(api: Api, manager: dict[str, str]) -> None:
    text = (await fetch(api, manager, "usage", "csv")).decode()

    assert text == (
        "site,category,quarter_at,occupied_s,unknown_s,arrivals,departures,sessions,dwell_sessions,dwell_s\r\n"
    )
    assert parquet.read_table(io.BytesIO(await fetch(api, manager, "usage", "parquet"))).num_rows == 0


async def test_what_is_wrong_is_said_before_the_file_begins(api: Api, manager: dict[str, str]) -> None:
    asked = {**PERIOD, "site": "nowhere", "format": "parquet"}
    answer = await api.client.get("/v1/exports/stays", params=asked, headers=manager)
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")

    answer = await api.client.get("/v1/exports/stays", params={**PERIOD, "format": "doc"}, headers=manager)
    assert answer.status_code == 422
    assert (await api.client.get("/v1/exports/stays", params=PERIOD)).status_code == 401


async def test_the_command_writes_the_same_file(
    api: Api, manager: dict[str, str], city_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PARKING_DATABASE_URL", city_url)
    file = tmp_path / "stays.csv"
    period = ["--from", PERIOD["from"], "--until", PERIOD["until"]]

    import asyncio

    asked = ["export", "stays", *period, "--format", "csv", "-o", str(file)]
    done = await asyncio.to_thread(CliRunner().invoke, app, asked)

    assert done.exit_code == 0, done.output
    assert file.read_bytes() == await fetch(api, manager, "stays", "csv")
