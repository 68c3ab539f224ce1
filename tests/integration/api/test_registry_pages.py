"""The registry on pages: things are found, added, changed, swapped and removed with plain forms."""

import re
from html import unescape
from typing import Any

import httpx
import pytest

from parking.access_keys import Scope
from parking.db.connect import connect
from parking.registry import parse_registry
from tests.integration.api.conftest import Api
from tests.support.access import bearer, key_of
from tests.support.city import load
from tests.support.page_forms import fill_in, form_of, press, problems, rows
from tests.support.polling import until
from tests.support.signing_in import sign_in

ROOT = "/manage/registry"


class Office:
    """Somebody who has signed in, and what is in the registry."""

    def __init__(self, api: Api, headers: dict[str, str]) -> None:
        self.client = api.client
        self._headers = headers

    async def thing(self, path: str) -> dict[str, Any] | None:
        """A thing as the API tells it; None: there is none."""
        answer = await self.client.get(f"/v1/registry/{path}", headers=self._headers)
        return None if answer.status_code == 404 else dict(answer.json())

    async def patch(self, path: str, patch: dict[str, Any]) -> None:
        """Somebody else changes a thing."""
        headers = {**self._headers, "If-Match": "*", "Content-Type": "application/merge-patch+json"}
        answer = await self.client.patch(f"/v1/registry/{path}", headers=headers, json=patch)
        assert answer.status_code == 200, answer.text


@pytest.fixture
async def office(api: Api, city_url: str) -> Office:
    api.client.timeout = httpx.Timeout(60)
    await sign_in(api.client, await key_of(city_url, Scope.REGISTRY_WRITE, name="Ann"))
    return Office(api, bearer(await key_of(city_url, Scope.REGISTRY_WRITE, name="other")))


async def logged(url: str) -> list[tuple[str, str, bool]]:
    """What the audit log has of the registry: the action, the subject, and whether it was Ann."""
    async with connect(url, name="test") as connection:
        cursor = await connection.execute(
            "SELECT action, subject, starts_with(actor, 'Ann') FROM audit_log"
            " WHERE starts_with(action, 'registry.') ORDER BY audit_id"
        )
        return await cursor.fetchall()


async def test_a_change_is_previewed_saved_and_on_record(office: Office, city_url: str, api: Api) -> None:
    path = f"{ROOT}/sites/castle-mews"
    check = await fill_in(
        office.client,
        path,
        "check",
        name="Castle Mews West",
        capacity="120",
        max_height_m="2.05",
        opening_hours="Mo-Sa 07:00-19:00",
        spaces="disabled: 12\r\nstandard: 100",
        entrances="51.4816, -3.1791, North gate",
        empty_when_closed="yes",
    )
    assert check.status_code == 200
    assert ["Name", "Castle Mews", "Castle Mews West"] in rows(check.text)
    assert ["Capacity in spaces", "100", "120"] in rows(check.text)
    before = await office.thing("sites/castle-mews")
    assert before is not None
    assert before["name"] == "Castle Mews"
    assert await logged(city_url) == []
    saved = await press(office.client, check, "save")
    assert (saved.status_code, saved.headers["location"]) == (303, f"{path}?done=changed")
    assert "It was changed." in (await office.client.get(saved.headers["location"])).text
    after = await office.thing("sites/castle-mews")
    assert after == {
        **before,
        "name": "Castle Mews West",
        "capacity": 120,
        "max_height_m": 2.05,
        "opening_hours": "Mo-Sa 07:00-19:00",
        "spaces": {"disabled": 12, "standard": 100},
        "entrances": [{"lon": -3.1791, "lat": 51.4816, "name": "North gate"}],
        "empty_when_closed": True,
    }
    assert await logged(city_url) == [("registry.change", "site/castle-mews", True)]
    await until(lambda: api.parts.view.sites["castle-mews"].facts.name == "Castle Mews West", what="news")
    undone = await fill_in(
        office.client, path, "save", spaces="", entrances="", opening_hours="", max_height_m=""
    )
    assert undone.status_code == 303
    left = await office.thing("sites/castle-mews")
    assert left is not None
    assert left.keys() - before.keys() == {"empty_when_closed"}


async def test_what_cannot_be_is_told_at_its_field_and_what_was_typed_stays(office: Office) -> None:
    path = f"{ROOT}/sites/castle-mews"
    sent = await fill_in(
        office.client,
        path,
        "save",
        name="",
        capacity="many",
        opening_hours="Mo-Sx 07:00",
        max_height_m="0",
        location__lat="95",
        location__lon="-3.1",
        entrances="the north gate",
    )
    assert sent.status_code == 422
    typed = problems(sent.text)
    assert typed["capacity"].startswith("Capacity in spaces: must be a whole number")
    assert "the north gate" in typed["entrances"]
    assert 'value="many"' in sent.text
    again = await fill_in(
        office.client, path, "save", name="", max_height_m="0", location__lat="95", location__lon="-3.1"
    )
    assert problems(again.text) == {
        "name": "Name: is missing",
        "max_height_m": "Height limit in metres: must be greater than 0 (found '0.0')",
        "location.lat": "Latitude: must be less than or equal to 90 (found '95.0')",
    }
    assert re.search(
        r'id="location.lat-error".*?aria-describedby="[^"]*location.lat-error', again.text, re.DOTALL
    )
    hours = await fill_in(office.client, path, "save", opening_hours="Mo-Sx 07:00")
    told = problems(hours.text)["opening_hours"]
    assert told.startswith("Opening hours: not opening hours in the syntax of OpenStreetMap")
    assert "at character" in told
    full = await fill_in(office.client, path, "save", spaces="standard: 500")
    assert problems(full.text) == {"spaces": "Marked spaces by kind: add up to 500, more than capacity 100"}
    assert "location" not in (await office.thing("sites/castle-mews") or {})


async def test_two_editors_do_not_overwrite_each_other(office: Office, city_url: str) -> None:
    path = f"{ROOT}/bays/street-0-1"
    mine = form_of((await office.client.get(path)).text, path) | {"category": "disabled", "do": "save"}
    await office.patch("bays/street-0-1", {"max_stay_min": 90})
    refused = await office.client.post(path, data=mine)
    assert refused.status_code == 412
    assert "Somebody changed this while you did" in refused.text
    # What is told "with your change" is what saving it ends in, below.
    assert ["Longest stay in minutes", "nothing", "90", "90"] in rows(refused.text)
    assert (await office.thing("bays/street-0-1") or {})["category"] == "standard"
    kept = form_of(refused.text, path)
    assert (kept["category"], kept["max_stay_min"]) == ("disabled", "90")
    check = await press(office.client, refused, "check")
    assert rows(check.text)[1:] == [["Kind of space", "standard", "disabled"]]
    assert (await press(office.client, check, "save")).status_code == 303
    now = await office.thing("bays/street-0-1") or {}
    assert (now["category"], now["max_stay_min"]) == ("disabled", 90)
    assert [row[2] for row in await logged(city_url)] == [False, True]


async def test_things_are_added_with_the_rules_of_the_api(office: Office, city_url: str) -> None:
    add = f"{ROOT}/add/sites"
    check = await fill_in(
        office.client,
        f"{add}?counting=gates",
        "check",
        id="west",
        name="West",
        kind="off_street",
        capacity="50",
    )
    assert ["Capacity in spaces", "50"] in rows(check.text)
    assert await office.thing("sites/west") is None
    back = await press(office.client, check, "back")
    assert form_of(back.text, add)["name"] == "West"
    saved = await press(office.client, check, "save")
    assert saved.headers["location"] == f"{ROOT}/sites/west?done=added"
    assert (await office.thing("sites/west") or {})["counting"] == "gates"
    gate = await fill_in(
        office.client, f"{ROOT}/add/gates?site=west", "save", camera="west-in", direction="in", repeat_s="4.5"
    )
    assert gate.status_code == 303
    assert await office.thing("gates/west-in") == {
        "camera": "west-in",
        "site": "west",
        "direction": "in",
        "repeat_s": 4.5,
    }
    bay = await fill_in(office.client, f"{ROOT}/add/bays?site=west", "save", id="w-1")
    assert bay.status_code == 422
    assert "counted at its gates has no bays" in bay.text
    taken = await fill_in(office.client, f"{ROOT}/add/bays?site=street-0", "save", id="street-1-1")
    assert (taken.status_code, problems(taken.text)) == (409, {"id": "There is a bay with this id already."})
    none = await fill_in(office.client, f"{ROOT}/add/bays", "save")
    assert problems(none.text) == {"id": "Id: is missing"}
    device = await fill_in(
        office.client, f"{ROOT}/add/devices", "save", id="A84041000181C061", codec="bosch-tps110"
    )
    assert device.headers["location"] == f"{ROOT}/devices/a84041000181c061?done=added"
    sign = await fill_in(
        office.client,
        f"{ROOT}/add/signs?site=west",
        "save",
        id="vms-9",
        sites="west\r\nstreet-0",
        show="number_when_few",
        thresholds__almost_full_increasing="5",
        texts__closed="(blank)",
        permitted="FULL\r\nSPACES\r\nALMOST FULL\r\nTEST",
        schedule="23:00-06:00 | FULL",
    )
    assert sign.status_code == 303, problems(sign.text)
    assert (await office.thing("signs/vms-9") or {}) | {"thresholds": ...} == {
        "id": "vms-9",
        "site": "west",
        "sites": ["west", "street-0"],
        "show": "number_when_few",
        "thresholds": ...,
        "texts": {"closed": ""},
        "permitted": ["FULL", "SPACES", "ALMOST FULL", "TEST"],
        "schedule": [{"hours": "23:00-06:00", "text": "FULL"}],
    }
    word = await fill_in(office.client, f"{ROOT}/signs/vms-9", "save", texts__full="NO SPACES")
    assert problems(word.text)["texts.full"].startswith("Full: 'NO SPACES' is not permitted")
    assert [row[:2] for row in await logged(city_url)] == [
        ("registry.create", "site/west"),
        ("registry.create", "gate/west-in"),
        ("registry.create", "device/a84041000181c061"),
        ("registry.create", "sign/vms-9"),
    ]


async def test_a_device_is_swapped_moved_and_retired(office: Office) -> None:
    swap = f"{ROOT}/bays/street-0-1/device"
    check = await fill_in(office.client, swap, "check", sensor__id="new-1")
    assert ["Device id", "sensor-0-1", "new-1"] in rows(check.text)
    assert "Device sensor-0-1 goes to the store room." in check.text
    saved = await press(office.client, check, "save")
    assert saved.headers["location"] == f"{ROOT}/bays/street-0-1?done=swapped"
    assert (await office.thing("devices/sensor-0-1") or {})["bay"] is None
    assert (await office.thing("devices/new-1") or {})["bay"] == "street-0-1"
    taken = await fill_in(office.client, f"{ROOT}/devices/sensor-0-1", "save", bay="street-0-2")
    assert taken.status_code == 409
    assert "move that one first" in taken.text
    nowhere = await fill_in(office.client, f"{ROOT}/devices/sensor-0-1", "save", bay="nowhere")
    assert "bay" in problems(nowhere.text)
    assert (await fill_in(office.client, f"{ROOT}/devices/new-1", "save", bay="")).status_code == 303
    assert (
        await fill_in(office.client, f"{ROOT}/devices/sensor-0-1", "save", bay="street-0-1")
    ).status_code == 303
    retire = f"{ROOT}/devices/new-1/remove"
    asked = await office.client.get(retire)
    assert "Retire device new-1?" in asked.text
    done = await office.client.post(retire, data=form_of(asked.text, retire))
    assert done.headers["location"] == f"{ROOT}/devices?done=removed"
    assert await office.thing("devices/new-1") is None


async def test_a_device_whose_type_a_swap_would_change_is_told_of(office: Office) -> None:
    await office.patch("devices/sensor-0-1", {"bay": None, "codec": "bosch-tps110", "heartbeat_s": 777})
    swap = f"{ROOT}/bays/street-0-2/device"
    check = await fill_in(office.client, swap, "check", sensor__id="sensor-0-1")
    known = "Device sensor-0-1 is known with another"
    assert f"{known} type: bosch-tps110. It becomes parking-v1." in check.text
    assert f"{known} heartbeat: 777. It becomes the usual." in check.text
    assert "Messages that are not of the new type are rejected, on record." in check.text
    alike = await fill_in(
        office.client,
        swap,
        "check",
        sensor__id="sensor-0-1",
        sensor__codec="bosch-tps110",
        sensor__heartbeat_s="777",
    )
    assert (alike.status_code, known in alike.text) == (200, False)
    added = await fill_in(
        office.client, f"{ROOT}/add/bays?site=street-0", "check", id="new-bay", sensor__id="sensor-0-1"
    )
    assert f"{known} type: bosch-tps110. It becomes parking-v1." in added.text


async def test_removing_asks_first_and_notices_a_change(office: Office, city_url: str) -> None:
    path = f"{ROOT}/bays/street-1-3/remove"
    asked = await office.client.get(path)
    assert "its device goes to the store room" in asked.text
    await office.patch("bays/street-1-3", {"category": "electric"})
    refused = await office.client.post(path, data=form_of(asked.text, path))
    assert (refused.status_code, "It has changed since" in refused.text) == (412, True)
    done = await office.client.post(path, data=form_of(refused.text, path))
    assert done.status_code == 303
    assert "It was removed." in (await office.client.get(done.headers["location"])).text
    assert await office.thing("bays/street-1-3") is None
    assert (await logged(city_url))[-1] == ("registry.remove", "bay/street-1-3", True)
    await office.patch("signs/vms-1", {"sites": ["street-1", "street-0"]})
    path = f"{ROOT}/sites/street-0/remove"
    told = await office.client.post(path, data=form_of((await office.client.get(path)).text, path))
    assert (told.status_code, "vms-1" in told.text) == (409, True)


async def test_lists_are_searched_and_paged(office: Office, city_url: str) -> None:
    bays = [
        {"id": f"long-{n:05}", "category": "standard" if n % 100 else "electric"} for n in range(1, 10_001)
    ]
    long = {"id": "long", "name": "Long Road", "kind": "on_street", "counting": "bays", "zone": "west"}
    await load(city_url, parse_registry({"sites": [{**long, "bays": bays}]}, source="test"))
    first = (await office.client.get(f"{ROOT}/bays", params={"site": "long"})).text
    assert "1 to 50 of 10,000" in first
    last = re.search(r'href="([^"]+)" aria-label="Page 200"', first)
    assert last is not None
    html = (await office.client.get(unescape(last[1]))).text
    assert "9,951 to 10,000 of 10,000" in html
    assert [row[0] for row in rows(html)][-1] == "long-10000"
    one = (await office.client.get(f"{ROOT}/bays", params={"q": "NG-00042"})).text
    assert rows(one)[1:] == [["long-00042", "Long Road", "standard", "none"]]
    electric = (await office.client.get(f"{ROOT}/bays", params={"site": "long", "category": "electric"})).text
    assert "of 100</p>" in electric
    by_device = (await office.client.get(f"{ROOT}/bays", params={"q": "sensor-1-2"})).text
    assert [row[0] for row in rows(by_device)[1:]] == ["street-1-2"]
    assert [row[0] for row in rows((await office.client.get(f"{ROOT}/sites?q=west")).text)[1:]] == [
        "Long Road"
    ]
    assert "There is none such." in (await office.client.get(f"{ROOT}/signs?q=%25&page=x")).text
    assert "Nothing here" in (await office.client.get(f"{ROOT}/bays?page=9999")).text
    overview = (await office.client.get(ROOT)).text
    assert "Bays</a> (10,008)" in overview


async def test_who_is_bound_to_sites_sees_and_changes_these_alone(api: Api, city_url: str) -> None:
    await sign_in(api.client, await key_of(city_url, Scope.REGISTRY_WRITE, sites=("street-0",)))
    assert "Bays</a> (4)" in (await api.client.get(ROOT)).text
    html = (await api.client.get(f"{ROOT}/bays")).text
    assert {row[1] for row in rows(html)[1:]} == {"Street 0"}
    assert (await api.client.get(f"{ROOT}/bays?site=street-1")).status_code == 403
    for path in ("bays/street-1-1", "bays/street-1-1/remove", "sites/castle-mews", "bays/street-1-1/device"):
        assert (await api.client.get(f"{ROOT}/{path}")).status_code == 403
    moved = await fill_in(api.client, f"{ROOT}/bays/street-0-1", "save", site="street-1")
    assert moved.status_code == 403
    assert (
        await fill_in(api.client, f"{ROOT}/bays/street-0-1", "save", category="disabled")
    ).status_code == 303


async def test_forms_of_others_and_broken_ones_change_nothing(office: Office) -> None:
    path = f"{ROOT}/bays/street-0-1"
    form = form_of((await office.client.get(path)).text, path) | {"category": "disabled", "do": "save"}
    assert (await office.client.post(path, data={**form, "csrf": "x"})).status_code == 403
    assert (await office.client.post(path, data={**form, "base": "{"})).status_code == 422
    assert (await office.thing("bays/street-0-1") or {})["category"] == "standard"
    same = await fill_in(office.client, path, "check")
    assert (same.status_code, "Nothing would change" in same.text) == (422, True)
    for missing in ("bays/none", "bays/none/remove", "bays/none/device"):
        assert (await office.client.get(f"{ROOT}/{missing}")).status_code == 404


async def test_a_form_that_is_not_of_this_thing_is_refused(office: Office, city_url: str, api: Api) -> None:
    shown = (await office.client.get(f"{ROOT}/sites/castle-mews")).text
    token = re.search(r'name="csrf" value="([^"]+)"', shown)
    assert token is not None
    for base in ("{}", "[]", "null", '{"id": 5}', '{"id": "street-0"}', "[" * 10_000, "1e999"):
        for path, do in (("castle-mews", "back"), ("castle-mews", "save"), ("castle-mews/remove", "save")):
            sent = {"csrf": token[1], "do": do, "base": base, "name": "N"}
            answer = await office.client.post(f"{ROOT}/sites/{path}", data=sent)
            assert answer.status_code == 422, (base, path, do)
            assert "did not come whole" in answer.text
    assert (await logged(city_url)) == []


async def test_a_key_of_one_site_gets_no_form_of_another(city_url: str, api: Api) -> None:
    api.client.timeout = httpx.Timeout(60)
    await sign_in(api.client, await key_of(city_url, Scope.REGISTRY_WRITE, sites=("street-0",)))
    shown = (await api.client.get(f"{ROOT}/sites/street-0")).text
    token = re.search(r'name="csrf" value="([^"]+)"', shown)
    assert token is not None
    base = '{"id": "castle-mews", "counting": "gates", "kind": "off_street", "name": "Castle Mews"}'
    for path in ("sites/castle-mews", "sites/castle-mews/remove", "bays?site=castle-mews"):
        assert (await api.client.get(f"{ROOT}/{path}")).status_code == 403, path
    for path, do in (("castle-mews", "back"), ("castle-mews", "save"), ("castle-mews/remove", "save")):
        sent = {"csrf": token[1], "do": do, "base": base, "name": "N"}
        assert (await api.client.post(f"{ROOT}/sites/{path}", data=sent)).status_code == 403, (path, do)


async def test_names_are_text_and_never_markup(office: Office, api: Api) -> None:
    name = "<script>alert(1)</script>\"'&"
    await office.patch("sites/castle-mews", {"name": name})
    for path in ("sites", "sites/castle-mews", "sites/castle-mews/remove", "gates", "add/gates", "signs"):
        shown = (await office.client.get(f"{ROOT}/{path}")).text
        assert "<script>alert" not in shown, path
        assert name in unescape(shown), path
    for path in (
        "bays/%3Cscript%3E",
        "sites?q=%3Cscript%3E",
        "bays/%00",
        "bays/a%2Fb",
        "bays/%ff",
        "sites?q=%00",
    ):
        answer = await office.client.get(f"{ROOT}/{path}")
        assert answer.status_code in (200, 404), path
        assert "<script>" not in answer.text.partition("</head>")[2], path
