"""The map is an extra: all that it shows is in the list, and the list works without it."""

import re

from playwright.async_api import expect

from tests.browser.conftest import DESKTOP, Looker


async def test_the_map_says_what_the_list_says(look: Looker) -> None:
    page = await look.open("/map", size=DESKTOP)
    await page.locator("#map[data-drawn]").wait_for()
    states = await page.evaluate("fetch('/map/states.json').then((answer) => answer.json())")
    places = await page.evaluate("fetch('/map/places.json').then((answer) => answer.json())")
    listed = {
        await item.get_attribute("data-site"): await item.locator("[data-number]").inner_text()
        for item in await page.locator("#places li").all()
    }
    drawn = {site["id"]: now["headline"] for site, now in zip(places["sites"], states["sites"], strict=True)}
    assert drawn == listed
    # Disabled bays are not told one by one: 4 of the 20 in Queen Street.
    assert dict(places["bays"]["site"])["queen-street"] == 16
    assert len(places["bays"]["lon"]) == len(states["bays"])


async def test_a_place_in_the_list_is_shown_on_the_map_by_keyboard(look: Looker) -> None:
    page = await look.open("/map", size=DESKTOP)
    await page.locator("#map[data-drawn]").wait_for()
    await page.get_by_role("button", name=re.compile("Show on the map.*Queen Street")).focus()
    await page.keyboard.press("Enter")
    await expect(page.locator("#map-told")).to_have_text("Queen Street: 7 free, of 20 spaces")
    await expect(page.locator("#map-told a")).to_have_attribute("href", "/sites/queen-street")


async def test_without_javascript_there_is_the_list(look: Looker) -> None:
    page = await look.open("/map", javascript=False)
    await expect(page.locator("#map-section")).to_be_hidden()
    await expect(page.get_by_role("button", name="Show on the map")).to_have_count(0)
    await expect(page.locator('[data-site="queen-street"] [data-number]')).to_have_text("7 free")


async def test_the_map_is_loaded_by_nobody_else(look: Looker) -> None:
    page = await (await look.context()).new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    for path in ("/", "/sites", "/sites/queen-street"):
        await page.goto(path, wait_until="load")
    assert [url for url in asked if "map" in url.rpartition("/")[2]] == []


async def test_a_driver_tells_what_is_wrong_without_javascript(look: Looker) -> None:
    page = await look.open("/sites/queen-street", javascript=False)
    await page.get_by_role("link", name="Is this wrong? Tell us").click()
    await page.get_by_label("It says there is a space, and there is none").check()
    await page.get_by_label("Where exactly").fill("By the bakery")
    await page.get_by_role("button", name="Send").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Thank you")
