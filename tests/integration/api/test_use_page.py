"""The report of use as a page: what it says is what the report says, and the URL holds the view."""

import csv
import io
import re
import zipfile
from datetime import UTC, datetime, timedelta

import pytest

from parking.access_keys import Scope
from parking.db.connect import connect
from parking.db.gate_reports import gate_report
from parking.db.report_scope import By, Question
from parking.db.reports import measure
from parking.db.use_reports import dwell_report, overstay_report
from parking.reporting.period import parse_period
from parking.reporting.sums import figures
from tests.integration.api.conftest import Api
from tests.support.access import key_of
from tests.support.city import small_registry
from tests.support.history import make_history, make_passages
from tests.support.signing_in import sign_in

DAYS = 9
TODAY = datetime.now(UTC).date()
FIRST, LAST = TODAY - timedelta(days=7), TODAY - timedelta(days=1)
PERIOD = f"from={FIRST}&to={LAST}"


@pytest.fixture
async def manager(city_url: str, api: Api) -> Api:
    """The API on streets with a history, and somebody who may read reports."""
    registry = small_registry(bays=4, sites=2)
    async with connect(city_url, name="test", autocommit=True) as connection:
        await make_history(connection, [site for site in registry.sites if site.bays], days=DAYS)
    await sign_in(api.client, await key_of(city_url, Scope.REPORTS_READ))
    return api


def value(html: str, name: str) -> str:
    """A figure of the page."""
    found = re.search(rf"<dt>{name}</dt>\s*<dd class=\"app-figure__value\">([^<]*)<", html)
    assert found is not None, name
    return found[1]


async def test_the_page_says_what_the_report_says(manager: Api, city_url: str) -> None:
    html = (await manager.client.get(f"/manage/use?{PERIOD}&compare=")).text
    period = parse_period(str(FIRST), str(LAST + timedelta(days=1)), "all")
    async with connect(city_url, name="test", autocommit=True) as connection:
        measured = await measure(connection, Question(period=period, by=By.ALL))
    told = figures(measured.sums, 0, 0)
    assert told.occupancy is not None
    assert told.coverage is not None
    assert 0.2 < told.occupancy < 0.8
    assert value(html, "Occupied") == f"{100 * told.occupancy:.0f} %"
    assert value(html, "Known") == f"{100 * told.coverage:.0f} %"
    assert value(html, "Arrivals") == f"{told.arrivals:,}"
    assert html.count('class="app-chart__bar"') == 7
    assert html.count("data-heat=") == 7 * 24


async def test_filters_are_in_the_url_and_in_the_download(manager: Api) -> None:
    one, other = sorted(site for site, now in manager.parts.view.sites.items() if now.bays)
    html = (await manager.client.get(f"/manage/use?{PERIOD}&site={one}")).text
    assert f'<option value="{one}" selected>' in html
    table = html.partition('aria-label="By site"')[2]
    assert f"/sites/{one}" in table
    assert f"/sites/{other}" not in table
    assert f"/manage/use.csv?{PERIOD.replace('&', '&amp;')}&amp;site={one}" in html
    answer = await manager.client.get(f"/manage/use.csv?{PERIOD}&site={one}")
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert {row["site"] for row in rows} == {one}
    assert len(rows) == 7
    assert all(0 <= float(row["occupancy"]) <= 1 for row in rows)


async def test_a_period_is_compared_with_another(manager: Api) -> None:
    html = (await manager.client.get(f"/manage/use?from={LAST}&to={LAST}&compare=before")).text
    assert re.search(r"[+-]\d+\.\d points to the period before", html)
    html = (await manager.client.get(f"/manage/use?from={LAST}&to={LAST}&compare=year")).text
    assert "not known for a year before" in html


async def test_a_period_that_cannot_be_is_told(manager: Api) -> None:
    for query, said in (("from=2026-02-30", "must be a date"), (f"from={LAST}&to={FIRST}", "is before")):
        answer = await manager.client.get(f"/manage/use?{query}")
        assert answer.status_code == 422
        assert said in answer.text
    unknown = await manager.client.get(f"/manage/use?{PERIOD}&site=nowhere")
    assert unknown.status_code == 404


async def test_a_key_of_one_site_reports_of_that_one(api: Api, city_url: str) -> None:
    one, other = sorted(site for site, now in api.parts.view.sites.items() if now.bays)
    await sign_in(api.client, await key_of(city_url, Scope.REPORTS_READ, sites=(one,)))
    html = (await api.client.get(f"/manage/use?{PERIOD}")).text
    assert f"/sites/{other}" not in html
    assert (await api.client.get(f"/manage/use?{PERIOD}&site={other}")).status_code == 403


async def test_stays_and_overstays_are_those_of_the_reports(manager: Api, city_url: str) -> None:
    site = min(site for site, now in manager.parts.view.sites.items() if now.bays)
    async with connect(city_url, name="test", autocommit=True) as connection:
        await connection.execute(
            "UPDATE bay SET details = details || '{\"max_stay_min\": 60}' WHERE site_id = %s", (site,)
        )
        period = parse_period(str(FIRST), str(LAST + timedelta(days=1)), "all")
        dwelt = await dwell_report(connection, Question(period=period, by=By.ALL))
        over = await overstay_report(connection, Question(period=period, by=By.SITE, sites=(site,)), limit=5)
    html = (await manager.client.get(f"/manage/stays?{PERIOD}&site={site}")).text
    (line,) = over.lines
    assert line.overstays > 0
    assert f">{line.overstays:,}</td>" in html.partition("Longer than allowed")[2]
    whole = (await manager.client.get(f"/manage/stays?{PERIOD}")).text
    for one in dwelt.lines[0].classes:
        assert f">{one.sessions:,}</td>" in whole or f">{one.sessions}</td>" in whole
    assert sum(one.sessions for one in dwelt.lines[0].classes) > 50
    answer = await manager.client.get(f"/manage/overstays.csv?{PERIOD}&site={site}")
    assert len(answer.text.splitlines()) == 1 + line.overstays
    assert (await manager.client.get(f"/manage/dwell.csv?{PERIOD}")).status_code == 200
    assert (await manager.client.get("/manage/stays?from=x")).status_code == 422


async def test_reports_come_as_workbooks_too(manager: Api) -> None:
    for name in ("use", "gates", "dwell", "overstays"):
        answer = await manager.client.get(f"/manage/{name}.xlsx?{PERIOD}")
        assert answer.status_code == 200
        assert f"{name}-{FIRST}-{LAST}.xlsx" in answer.headers["content-disposition"]
        with zipfile.ZipFile(io.BytesIO(answer.content)) as book:
            sheet = book.read("xl/worksheets/sheet1.xml").decode()
        head = (await manager.client.get(f"/manage/{name}.csv?{PERIOD}")).text.splitlines()[0]
        assert head.partition(",")[0] in sheet


async def test_sites_counted_at_gates_are_told_with_their_drift_and_coverage(
    manager: Api, city_url: str
) -> None:
    async with connect(city_url, name="test", autocommit=True) as connection:
        await make_passages(connection, "castle-mews", days=DAYS)
        await connection.execute(
            "UPDATE site_state SET inside = 10, inside_sd = 6 WHERE site_id = 'castle-mews'"
        )
        period = parse_period(str(FIRST), str(LAST + timedelta(days=1)), "day")
        (line,) = (await gate_report(connection, Question(period=period, by=By.SITE))).lines
    total = line.total
    assert total.arrivals > 1000
    assert total.coverage is not None
    use = (await manager.client.get(f"/manage/use?{PERIOD}")).text
    (row,) = re.findall(r">Castle Mews</th>(.*?)</tr>", use.partition('id="gates"')[2], re.DOTALL)
    cells = re.findall(r"<td[^>]*>([^<]*)</td>", row)
    assert cells[2:4] == [f"{total.arrivals:,}", f"{total.departures:,}"]
    assert cells[-1] == "± 12"
    one = (await manager.client.get(f"/manage/use?{PERIOD}&site=castle-mews")).text
    assert "Occupied by hour and weekday" not in one
    for bucket in line.buckets:
        assert f">{bucket.arrivals:,}</td>" in one
    stays = (await manager.client.get(f"/manage/stays?{PERIOD}")).text.partition('id="gates"')[2]
    assert [*re.findall(r"<td[^>]*>([^<]*)</td>", stays)][:5] == [
        f"{total.departures:,}",
        f"{total.visits:,}",
        "1 h 30 min",
        "1 h 30 min",
        f"{100 * total.coverage:.0f} %",
    ]
    kind = (await manager.client.get(f"/manage/use?{PERIOD}&category=standard")).text
    assert 'id="gates"' not in kind
    csv_of = (await manager.client.get(f"/manage/gates.csv?{PERIOD}")).text
    assert len(csv_of.splitlines()) == 1 + len(line.buckets)


async def test_a_month_is_had_from_the_page_as_pdf_page_and_workbook(manager: Api, city_url: str) -> None:
    html = (await manager.client.get("/manage/use?site=street-0")).text
    months = re.findall(r'<option value="(\d{4}-\d\d)">([^<]+)</option>', html)
    assert len(months) == 25
    assert months[-1] == (f"{TODAY:%Y-%m}", f"{TODAY:%B %Y}, so far")
    assert re.search(r'<input type="hidden" name="site" value="street-0">', html)
    asked = f"month={LAST:%Y-%m}&site=street-0"
    pdf = await manager.client.get(f"/manage/use/month?{asked}&format=pdf")
    assert (pdf.headers["content-type"], pdf.content[:5]) == ("application/pdf", b"%PDF-")
    page = await manager.client.get(f"/manage/use/month?{asked}&format=html")
    assert f"{LAST:%B %Y}" in page.text
    assert "script-src" not in page.headers["content-security-policy"]
    book = await manager.client.get(f"/manage/use/month?{asked}&format=xlsx")
    with zipfile.ZipFile(io.BytesIO(book.content)) as sheets:
        assert b"street-0" in b"".join(sheets.read(name) for name in sheets.namelist())
    for query in ("month=2026-13", f"{asked}&format=doc"):
        assert (await manager.client.get(f"/manage/use/month?{query}")).status_code == 422
    manager.client.cookies.clear()
    await sign_in(manager.client, await key_of(city_url, Scope.REPORTS_READ, sites=("street-1",), name="one"))
    assert (await manager.client.get(f"/manage/use/month?{asked}")).status_code == 403
