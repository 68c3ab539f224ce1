"""What managers see: the day as it is, what needs a visit, and what drivers say is wrong."""

import csv
import io
import re
from dataclasses import replace
from datetime import timedelta

import pytest

from api.pages.report import BURST
from parking.access_keys import Scope
from parking.db.audit import Filter, page
from parking.db.connect import connect
from parking.notes import MOST_CHARACTERS
from tests.integration.api.conftest import Api
from tests.support.access import key_of
from tests.support.ingestor import HandIngestor
from tests.support.polling import until
from tests.support.signing_in import form_token, sign_in

MANAGER = (Scope.REPORTS_READ, Scope.MAINTENANCE_READ, Scope.MAINTENANCE_WRITE)


def figure(html: str, name: str) -> str:
    """The value of a figure by its name."""
    found = re.search(
        rf"<dt>(?:<a[^>]*>)?{name}(?:</a>)?</dt>\s*<dd class=\"app-figure__value\">([^<]*)<", html
    )
    assert found is not None, f"there is a figure {name}"
    return found[1]


@pytest.fixture
async def manager(api: Api, city_url: str) -> Api:
    await sign_in(api.client, await key_of(city_url, *MANAGER, name="manager"))
    return api


async def publish(api: Api, database_url: str, site: str, states: str) -> None:
    """Publish states (a letter a bay) of a site, and wait until the API knows."""
    named = {"v": "vacant", "o": "occupied", "u": "unknown"}
    before = api.parts.view.sites[site].snapshot.revision
    with HandIngestor(database_url) as ingestor:
        ingestor.confirm()
        bays = list(api.parts.view.sites[site].bays)
        ingestor.publish(site, {bay: named[state] for bay, state in zip(bays, states, strict=True)})
    await until(lambda: api.parts.view.sites[site].snapshot.revision > before, what="the numbers are known")


async def test_the_day_at_a_glance(manager: Api, city_url: str) -> None:
    first, second = (site for site, now in manager.parts.view.sites.items() if now.bays)
    await publish(manager, city_url, first, "ooou")
    await publish(manager, city_url, second, "vvvo")
    html = (await manager.client.get("/manage/today")).text
    # Two streets of four bays, and a car park of 100 with 10 taken: 14 of 107 known.
    assert (figure(html, "Occupied"), figure(html, "Free"), figure(html, "Known")) == (
        "13 %",
        "93",
        "over 99 %",
    )
    assert "14 of 107 spaces that are known" in html
    assert figure(html, "Nearly full") == "1"
    assert f'href="/sites/{first}"' in html.partition("Nearly full")[2]


async def test_a_bay_that_is_occupied_for_too_long_is_listed(manager: Api, city_url: str) -> None:
    site = next(site for site, now in manager.parts.view.sites.items() if now.bays)
    await publish(manager, city_url, site, "ovvv")
    bay = next(iter(manager.parts.view.sites[site].bays))
    assert figure((await manager.client.get("/manage/today")).text, "Overstays now") == "0"
    row = manager.parts.view.bays.row(bay)
    manager.parts.view.bays.max_stay_min[row] = 60
    now = manager.parts.view.bays.now(row)
    assert now.since is not None
    manager.parts.view.bays.set(row, replace(now, since=now.since - timedelta(minutes=185)))
    html = (await manager.client.get("/manage/today")).text
    assert figure(html, "Overstays now") == "1"
    assert re.search(rf"{bay}</th>.*?2 h \d+ min", html, re.DOTALL)


async def test_a_key_of_one_site_sees_that_one_alone(api: Api, city_url: str) -> None:
    one, other = (site for site, now in api.parts.view.sites.items() if now.bays)
    await publish(api, city_url, one, "oooo")
    await publish(api, city_url, other, "oooo")
    await sign_in(api.client, await key_of(city_url, *MANAGER, sites=(one,)))
    html = (await api.client.get("/manage/today")).text
    assert figure(html, "Sites") == "1"
    assert f"/sites/{one}" in html
    assert f"/sites/{other}" not in html


async def fault(database_url: str, site: str, bay: str) -> None:
    """A fault as the examiner finds it."""
    async with connect(database_url, name="test", autocommit=True) as connection:
        await connection.execute(
            "INSERT INTO health_finding (bay_id, site_id, device_id, rule, severity, since, found_at, lost_h,"
            " reason, evidence)"
            " VALUES (%s, %s, 'd1', 'silent', 'high', now(), now(), 12.5, 'Nothing heard for 9 h.', '{}')",
            (bay, site),
        )


async def test_the_maintenance_list_can_be_filtered_and_downloaded(manager: Api, city_url: str) -> None:
    one, other = (site for site, now in manager.parts.view.sites.items() if now.bays)
    for site in (one, other):
        await fault(city_url, site, next(iter(manager.parts.view.sites[site].bays)))
    html = (await manager.client.get("/manage/maintenance")).text
    assert html.count("Nothing heard for 9 h.") == 2
    html = (await manager.client.get(f"/manage/maintenance?site={one}&severity=high")).text
    assert html.count("Nothing heard for 9 h.") == 1
    assert f"/manage/maintenance.csv?site={one}&amp;severity=high" in html
    answer = await manager.client.get(f"/manage/maintenance.csv?site={one}")
    assert answer.headers["content-type"].startswith("text/csv")
    assert [row["site"] for row in csv.DictReader(io.StringIO(answer.text))] == [one]


async def test_a_driver_says_what_is_wrong_and_somebody_deals_with_it(manager: Api, city_url: str) -> None:
    site = next(site for site, now in manager.parts.view.sites.items() if now.bays)
    bay = next(iter(manager.parts.view.sites[site].bays))
    text = "A skip stands there. Call 029 2087 2087 or me@example.org, AB12 CDE <b>" + "x" * 600
    form = {"wrong": "taken", "text": text, "bay": bay}
    answer = await manager.client.post(f"/sites/{site}/report", data=form)
    assert answer.headers["location"] == f"/sites/{site}/report?sent=1"
    assert "Thank you" in (await manager.client.get(answer.headers["location"])).text
    html = (await manager.client.get("/manage/maintenance")).text
    assert bay in html
    assert "A skip stands there. Call [removed] or [removed] [removed] &lt;b&gt;x" in html
    assert "x" * (MOST_CHARACTERS + 1) not in html
    done = re.search(r'action="(/manage/notes/\d+/close)"', html)
    assert done is not None
    closed = await manager.client.post(done[1], data={"csrf": form_token(html)})
    assert closed.headers["location"] == "/manage/maintenance#notes"
    assert "A skip stands there" not in (await manager.client.get("/manage/maintenance")).text
    assert (await manager.client.post(done[1], data={"csrf": form_token(html)})).status_code == 409
    async with connect(city_url, name="test", autocommit=True) as connection:
        (row,) = await page(connection, Filter(action="note."), limit=9)
        stored = await (
            await connection.execute("SELECT to_jsonb(driver_note)::text FROM driver_note")
        ).fetchall()
    assert row.actor.startswith("manager (key ")
    assert "127.0.0.1" not in stored[0][0]


async def test_who_may_only_read_cannot_close_a_note(api: Api, city_url: str) -> None:
    site = next(iter(api.parts.view.sites))
    await api.client.post(f"/sites/{site}/report", data={"wrong": "other", "text": "x"})
    await sign_in(api.client, await key_of(city_url, Scope.MAINTENANCE_READ))
    html = (await api.client.get("/manage/maintenance")).text
    assert "Dealt with" not in html
    assert (
        await api.client.post("/manage/notes/1/close", data={"csrf": form_token(html)})
    ).status_code == 403


async def test_a_note_needs_a_choice_and_a_site(api: Api) -> None:
    site = next(iter(api.parts.view.sites))
    answer = await api.client.post(f"/sites/{site}/report", data={"text": "kept as typed"})
    assert answer.status_code == 422
    assert "Choose what is wrong" in answer.text
    assert "kept as typed" in answer.text
    missing = await api.client.get("/sites/nowhere/report")
    assert missing.status_code == 404
    assert missing.headers["content-type"].startswith("text/html")


async def test_one_address_sends_only_some_notes_and_programs_none(api: Api, city_url: str) -> None:
    site = next(iter(api.parts.view.sites))
    path, form = f"/sites/{site}/report", {"wrong": "other"}
    assert (await api.client.post(path, data={**form, "website": "spam"})).status_code == 303
    statuses = [(await api.client.post(path, data=form)).status_code for _ in range(BURST + 1)]
    assert statuses == [303] * BURST + [429]
    async with connect(city_url, name="test", autocommit=True) as connection:
        rows = await (await connection.execute("SELECT count(*) FROM driver_note")).fetchone()
    assert rows == (BURST,)


async def test_a_sign_is_overridden_and_let_go_again(api: Api, city_url: str) -> None:
    sign = next(iter(api.parts.view.signs))
    await sign_in(api.client, await key_of(city_url, Scope.SIGNS_WRITE, name="manager"))
    path = f"/manage/signs/{sign}"
    html = (await api.client.get(path)).text
    form = {"csrf": form_token(html), "show": "closed", "for": "60", "reason": ""}
    refused = await api.client.post(path, data=form)
    assert (refused.status_code, "reason" in refused.text) == (422, True)
    assert (await api.client.post(path, data={**form, "for": "61", "reason": "Fair"})).status_code == 422
    assert (await api.client.post(path, data={**form, "reason": "Fair"})).status_code == 303
    html = (await api.client.get(path)).text
    assert "Set by manager (key " in html
    async with connect(city_url, name="test", autocommit=True) as connection:
        rows = await (await connection.execute("SELECT text, reason FROM sign_override")).fetchall()
    assert rows == [("CLOSED", "Fair")]
    await api.client.post(path, data={"csrf": form_token(html), "do": "resume"})
    assert "Set by" not in (await api.client.get(path)).text


async def test_a_count_by_hand_sets_the_count_once(api: Api, city_url: str) -> None:
    site = next(site for site, now in api.parts.view.sites.items() if not now.bays)
    await sign_in(api.client, await key_of(city_url, Scope.COUNTS_WRITE, name="manager"))
    assert "10 of 100" in (await api.client.get("/manage/counts")).text
    path = f"/manage/counts/{site}"
    html = (await api.client.get(path)).text
    request = re.search(r'name="request" value="([^"]+)"', html)
    assert request is not None
    form = {"csrf": form_token(html), "request": request[1], "vehicles": "many", "at": "", "reason": "walked"}
    refused = await api.client.post(path, data=form)
    assert refused.status_code == 422
    assert "must be a whole number" in refused.text
    for _ in range(2):
        assert (await api.client.post(path, data={**form, "vehicles": "42"})).status_code == 303
    await until(lambda: api.parts.view.sites[site].snapshot.occupied == 42, what="the count is known")
    html = (await api.client.get(path)).text
    assert "42 of 100" in html
    assert html.count("counted by hand: walked") == 1


async def test_the_page_of_a_site_says_when_its_count_was_last_corrected(api: Api) -> None:
    site = next(site for site, now in api.parts.view.sites.items() if not now.bays)
    english = (await api.client.get(f"/sites/{site}")).text
    assert "The count was last corrected on " in english
    assert "Cywirwyd y cyfrif ddiwethaf ar " in (await api.client.get(f"/cy/sites/{site}")).text
