"""The map is an extra: all that it shows is in the list, and the list works without it."""

import io
import re
from dataclasses import replace
from pathlib import Path

from PIL import Image
from playwright.async_api import expect

from tests.browser.conftest import DESKTOP, Looker
from tests.conftest import StartProcess

STREETS = Path(__file__).parent / "data" / "streets.pmtiles"
"""Made by make_streets.py beside it."""


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


async def test_streets_lie_beneath_where_the_operator_has_a_file_of_them(
    look: Looker, process: StartProcess
) -> None:
    settings = {
        "PARKING_DATABASE_URL": look.town.database_url,
        "PARKING_API_PORT": "0",
        "PARKING_TILES_FILE": str(STREETS),
    }
    api = await process("api", env=settings)
    url = (await api.wait_for_output(r"http://127\.0\.0\.1:\d+")).group()
    await api.wait_for_http(f"{url}/v1/sites")
    look.town.ingestor.confirm()
    page = await (await replace(look, town=replace(look.town, url=url)).context(size=DESKTOP)).new_page()
    answers: list[tuple[int, str]] = []
    page.on("response", lambda answer: answers.append((answer.status, answer.url)))
    await page.goto("/map")
    await page.locator("#map[data-drawn]").wait_for()
    assert {status for status, asked in answers if asked.endswith(".pmtiles")} == {206}
    assert all(asked.startswith(url) for _, asked in answers)
    picture = Image.open(io.BytesIO(await page.locator("#map").screenshot())).convert("RGB")
    colours = {colour: count for count, colour in picture.getcolors(1 << 24) or []}
    size = picture.width * picture.height
    white, park = (255, 255, 255), (215, 232, 210)
    assert colours[white] > size / 50
    assert colours[park] > size / 50


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
