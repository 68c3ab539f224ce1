"""A driver finds a space: with and without JavaScript, live, and when the line is cut."""

import re
from typing import Any

import httpx
from playwright.async_api import Page, expect

from tests.browser.conftest import Looker
from tests.support.databases import Databases, outage
from tests.support.polling import PATIENCE_S


def number(page: Page, site: str) -> Any:
    """The number that is shown of a site in a list."""
    return page.locator(f'[data-site="{site}"] [data-number]')


async def test_a_driver_without_javascript_finds_the_nearest_space(look: Looker) -> None:
    page = await look.open("/", javascript=False)
    await page.get_by_label("Where to?").fill("queen street")
    await page.get_by_label("When?").select_option(label="in 30 minutes")
    await page.get_by_role("button", name="Find a space").click()
    first = page.locator("#results li.app-place").first
    await expect(first.get_by_role("heading")).to_have_text("Queen Street")
    await expect(first.locator("[data-number]")).to_have_text("7 free")
    await expect(first.get_by_role("link", name="Take me there")).to_have_attribute("href", LINK)
    await first.get_by_role("link", name="Queen Street", exact=True).click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Queen Street")
    await expect(page.locator("[data-number]")).to_have_text("7 free")


LINK = "https://www.google.com/maps/dir/?api=1&destination=51.483000,-3.174500"


async def test_the_whole_way_works_by_keyboard_and_focus_is_seen(look: Looker) -> None:
    page = await look.open("/")
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("link", name="Skip to main content")).to_be_focused()
    await page.keyboard.press("Enter")
    await page.keyboard.press("Tab")
    await expect(page.get_by_label("Where to?")).to_be_focused()
    outline = await page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"
    await page.keyboard.type("Castle Mews")
    await page.keyboard.press("Enter")
    await expect(page.locator("#results li.app-place").first.get_by_role("heading")).to_have_text(
        "Castle Mews"
    )


async def test_every_page_says_the_same_revision(look: Looker) -> None:
    async with httpx.AsyncClient(base_url=look.town.url, trust_env=False, timeout=PATIENCE_S) as client:
        site = (await client.get("/v1/sites/queen-street")).json()
        sign = (await client.get("/v1/signs/sign-1")).json()
    page = await look.open("/sites/queen-street")
    assert await page.locator("#number").get_attribute("data-revision") == str(site["revision"])
    await expect(page.locator("[data-number]")).to_have_text(f"{site['vacant']} free")
    page = await look.open("/signs/sign-1")
    await expect(page.get_by_role("img")).to_have_attribute("aria-label", sign["text"])
    assert sign["text"] == str(site["vacant"])


async def test_a_change_is_seen_without_loading_again(look: Looker) -> None:
    page = await look.open("/?place=Queen+Street")
    await expect(number(page, "queen-street")).to_have_text("7 free")
    look.town.ingestor.publish("queen-street", {"queen-street-000": "occupied"})
    look.town.ingestor.confirm()
    await expect(number(page, "queen-street")).to_have_text("6 free")


async def test_cut_off_it_says_so_and_keeps_what_it_knew_with_its_age(look: Looker) -> None:
    page = await look.open("/sites")
    await page.evaluate("navigator.serviceWorker.ready.then(() => null)")
    await page.reload()
    await expect(number(page, "queen-street")).to_have_text("7 free")
    await page.context.set_offline(True)
    await expect(number(page, "queen-street")).to_have_text("Not known")
    await page.reload()
    await expect(page.locator("#state")).to_have_text("No connection. The numbers are not known now.")
    await expect(number(page, "queen-street")).to_have_text("Not known")
    await expect(page.locator('[data-site="queen-street"]')).to_contain_text("Last known: 7 free")
    await page.context.set_offline(False)
    look.town.ingestor.publish("queen-street", {"queen-street-000": "occupied"})
    look.town.ingestor.confirm()
    await page.reload()
    await expect(number(page, "queen-street")).to_have_text("6 free")


async def test_the_first_view_is_small(look: Looker) -> None:
    page = await (await look.context()).new_page()
    sizes: list[int] = []

    async def measure(response: Any) -> None:
        sizes.append(int(response.headers["content-length"]))

    page.on("response", measure)
    await page.goto("/", wait_until="load")
    assert 0 < sum(sizes) < 60_000


async def test_when_the_database_and_then_the_line_are_cut_pages_say_how_old_they_are(
    look: Looker, databases: Databases
) -> None:
    page = await look.open("/sites")
    await page.evaluate("navigator.serviceWorker.ready.then(() => null)")
    await page.reload()
    await expect(number(page, "queen-street")).to_have_text("7 free")
    async with outage(databases.server, look.town.database_url):
        await expect(page.locator("#state")).to_contain_text("We have had no news since", timeout=45_000)
        place = page.locator('[data-site="queen-street"]')
        await expect(place.locator("[data-number]")).to_have_text("Not known")
        await expect(place).to_contain_text("when 7 of 20 spaces were known to be free")
        staff = await page.request.get("/sign-in")
        assert staff.status == 200
        await page.context.set_offline(True)
        await page.reload()
        await expect(page.locator("#state")).to_have_text("No connection. The numbers are not known now.")
        # What the device kept is the page as it was last opened, with its time.
        await expect(place).to_contain_text("Last known: 7 free")
        await expect(page.locator("#age")).to_have_text(re.compile(r"as of \d\d:\d\d"))
        await page.context.set_offline(False)
