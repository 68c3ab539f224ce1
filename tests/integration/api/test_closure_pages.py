"""Closures on pages: sites are closed, closures changed and ended with plain forms."""

import re
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest

from parking.access_keys import Scope
from parking.db.audit import Filter, page
from parking.db.connect import connect
from tests.integration.api.conftest import Api
from tests.support.access import bearer, key_of
from tests.support.page_forms import fill_in, form_of, press, problems, rows
from tests.support.polling import until
from tests.support.signing_in import form_token, sign_in

PAGE = "/manage/closures"
ROUTE = "/v1/registry/closures"
SITE = "street-0"


class Closing:
    """Ann, who has signed in, and somebody else who uses the API."""

    def __init__(self, api: Api, other: dict[str, str]) -> None:
        self.client = api.client
        self.other = other
        self.now = api.parts.view.clock.now()
        self.zone = ZoneInfo(api.parts.view.sites[SITE].facts.timezone)

    def typed(self, **ahead: float) -> str:
        """A time ahead as it is typed at the site."""
        return f"{(self.now + timedelta(**ahead)).astimezone(self.zone):%Y-%m-%dT%H:%M}"

    async def made(self, **wish: str) -> int:
        """The number of a closure that somebody else made."""
        wish = {"site": SITE, "reason": "Market", **wish}
        answer = await self.client.post(ROUTE, headers=self.other, json=wish)
        assert answer.status_code == 201, answer.text
        return int(answer.json()["id"])

    async def told(self, number: int) -> dict[str, Any]:
        """A closure as the API tells it."""
        return dict((await self.client.get(f"{ROUTE}/{number}", headers=self.other)).json())


@pytest.fixture
async def closing(api: Api, city_url: str) -> Closing:
    api.client.timeout = httpx.Timeout(60)
    await sign_in(api.client, await key_of(city_url, Scope.REGISTRY_WRITE, name="Ann"))
    return Closing(api, bearer(await key_of(city_url, Scope.REGISTRY_WRITE, name="other")))


async def test_a_site_is_closed_for_everybody_and_opened_again(api: Api, city_url: str) -> None:
    site = next(iter(api.parts.view.sites))
    await sign_in(api.client, await key_of(city_url, Scope.REGISTRY_WRITE, name="manager"))
    html = (await api.client.get(PAGE)).text
    assert "No closure now" in html
    wrong = {"csrf": form_token(html), "site": site, "reason": "Market", "until": "2020-01-01T10:00"}
    refused = await api.client.post(PAGE, data=wrong)
    assert refused.status_code == 422
    assert "is not after" in refused.text
    assert re.search(r'<a href="#until">Until 1 Jan 2020, 10:00 is not after ', refused.text)
    assert 'aria-describedby="until-hint until-error"' in refused.text
    assert 'value="Market"' in refused.text
    check = await api.client.post(PAGE, data={**wrong, "until": ""})
    name = api.parts.view.sites[site].facts.name
    assert f"{name} is shown as closed at once, until further notice." in check.text
    assert "No closure now" in (await api.client.get(PAGE)).text
    done = await press(api.client, check, "save")
    assert (done.status_code, done.headers["location"]) == (303, "/manage/closures?done=closed")
    await until(lambda: api.parts.view.sites[site].snapshot.status == "closed", what="it is closed")
    html = (await api.client.get(PAGE)).text
    assert "until further notice" in html
    assert "Market" in (await api.client.get(f"/sites/{site}")).text
    end = re.search(r'action="(/manage/closures/\d+/end)"', html)
    assert end is not None
    await api.client.post(end[1], data={"csrf": form_token(html)})
    await until(lambda: api.parts.view.sites[site].snapshot.status == "open", what="it is open")
    async with connect(city_url, name="test", autocommit=True) as connection:
        rows = await page(connection, Filter(action="closure."), limit=9)
    assert [(row.action, row.actor.startswith("manager (key ")) for row in rows] == [
        ("closure.end", True),
        ("closure.create", True),
    ]


async def test_a_closure_to_come_is_moved_with_a_preview_of_what_it_does(
    closing: Closing, city_url: str
) -> None:
    number = await closing.made(**{"from": (closing.now + timedelta(days=1)).isoformat()})
    path, before = f"{PAGE}/{number}", await closing.told(number)
    assert f'href="{path}"' in (await closing.client.get(PAGE)).text
    begins, ends = closing.typed(days=2), closing.typed(days=3)
    check = await fill_in(closing.client, path, "check", **{"from": begins, "until": ends})
    assert check.status_code == 200, check.text
    said = [f"{datetime.fromisoformat(text):%-d %b %Y, %H:%M}" for text in (begins, ends)]
    assert [row[0::2] for row in rows(check.text)[1:]] == [["From", said[0]], ["Until", said[1]]]
    assert rows(check.text)[2][1] == "until further notice"
    assert f"Street 0 is shown as closed from {said[0]} until {said[1]}." in check.text
    assert "Sign vms-0 shows CLOSED then." in check.text
    assert await closing.told(number) == before
    back = await press(closing.client, check, "back")
    assert form_of(back.text, path)["from"] == begins
    saved = await press(closing.client, check, "save")
    assert (saved.status_code, saved.headers["location"]) == (303, f"{PAGE}?done=changed")
    assert "The closure was changed." in (await closing.client.get(saved.headers["location"])).text
    after = await closing.told(number)
    assert after == {**before, "from": after["from"], "until": after["until"]}
    for member, text in (("from", begins), ("until", ends)):
        wanted = datetime.fromisoformat(text).replace(tzinfo=closing.zone)
        assert datetime.fromisoformat(after[member]) == wanted
    async with connect(city_url, name="test", autocommit=True) as connection:
        (row,) = await page(connection, Filter(action="closure.change"), limit=9)
    assert (row.actor.startswith("Ann (key "), row.subject) == (True, f"site/{SITE}")


async def test_what_has_begun_keeps_its_beginning_and_gets_an_end(closing: Closing) -> None:
    number = await closing.made()
    path, before = f"{PAGE}/{number}", await closing.told(number)
    assert "from" not in form_of((await closing.client.get(path)).text, path)
    past = await fill_in(closing.client, path, "check", until="2020-01-01T10:00", reason="Fair")
    assert past.status_code == 422
    assert problems(past.text)["until"].startswith("Until 1 Jan 2020, 10:00 is not after ")
    assert form_of(past.text, path)["reason"] == "Fair"
    wrong = await fill_in(closing.client, path, "check", until="soon", reason="Fair")
    assert problems(wrong.text) == {
        "until": "Until: must be a date and a time, such as 2026-11-29T18:30 (found 'soon')"
    }
    assert problems((await fill_in(closing.client, path, "save", reason="")).text).keys() == {"reason"}
    same = await fill_in(closing.client, path, "check")
    assert (same.status_code, "Nothing would change" in same.text) == (422, True)
    assert await closing.told(number) == before
    check = await fill_in(closing.client, path, "check", reason="Fair")
    assert "Street 0 is shown as closed until further notice." in check.text
    done = await fill_in(closing.client, path, "save", until=closing.typed(hours=3), reason="Fair")
    assert done.status_code == 303, done.text
    after = await closing.told(number)
    assert (after["from"], after["reason"], after["until"] is None) == (before["from"], "Fair", False)


async def test_two_who_change_a_closure_do_not_overwrite_each_other(closing: Closing) -> None:
    number = await closing.made()
    path = f"{PAGE}/{number}"
    mine = form_of((await closing.client.get(path)).text, path) | {"reason": "Fair", "do": "save"}
    until_at = (closing.now + timedelta(hours=5)).isoformat()
    headers = {**closing.other, "If-Match": "*", "Content-Type": "application/merge-patch+json"}
    theirs = await closing.client.patch(f"{ROUTE}/{number}", headers=headers, json={"until": until_at})
    assert theirs.status_code == 200, theirs.text
    refused = await closing.client.post(path, data=mine)
    assert refused.status_code == 412
    assert "Somebody changed this while you did" in refused.text
    (_, changed) = rows(refused.text)
    assert changed[:2] == ["Until", "until further notice"]
    assert changed[2] == changed[3] != changed[1]
    assert (await closing.told(number))["reason"] == "Market"
    assert (await press(closing.client, refused, "save")).status_code == 303
    after = await closing.told(number)
    assert after["reason"] == "Fair"
    assert datetime.fromisoformat(after["until"]) == datetime.fromisoformat(until_at)


async def test_a_closure_that_is_over_or_of_another_site_is_not_changed(
    closing: Closing, city_url: str
) -> None:
    number = await closing.made()
    path = f"{PAGE}/{number}"
    form = form_of((await closing.client.get(path)).text, path) | {"reason": "Fair", "do": "save"}
    bound = await key_of(city_url, Scope.REGISTRY_WRITE, name="bound", sites=("street-1",))
    closing.client.cookies.clear()
    await sign_in(closing.client, bound)
    assert (await closing.client.get(path)).status_code == 403
    token = form_token((await closing.client.get(PAGE)).text)
    assert (await closing.client.post(path, data={**form, "csrf": token})).status_code == 403
    closing.client.cookies.clear()
    await sign_in(closing.client, await key_of(city_url, Scope.REGISTRY_WRITE, name="Ann again"))
    await closing.client.delete(f"{ROUTE}/{number}", headers=closing.other)
    over = await fill_in(closing.client, path, "save", reason="Fair")
    assert (over.status_code, "was over at" in over.text) == (409, True)
    assert (await closing.client.get(f"{PAGE}/{10**30}")).status_code == 404
    assert (await closing.told(number))["reason"] == "Market"
