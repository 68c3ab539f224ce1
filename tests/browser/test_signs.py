"""Signs as they look on the street: right while they are told, and out when they are cut off."""

from datetime import timedelta

import httpx
from playwright.async_api import Locator, Page, expect

from parking.db.connect import connect
from parking.db.sign_overrides import set_override
from tests.browser.conftest import Looker
from tests.support.polling import PATIENCE_S


def lamps(page: Page) -> Locator:
    """The drawing of the one sign."""
    return page.locator("svg.app-lamps")


def on_the_wall(page: Page, sign: str) -> Locator:
    """One sign of the wall."""
    return page.locator(f'[data-sign="{sign}"]')


async def lit(sign: Locator) -> int:
    """How many lamps of a sign are lit."""
    return ((await sign.locator(".app-lamps__lit").get_attribute("d")) or "").count("M")


async def test_a_sign_shows_what_its_controller_is_told_and_follows_it(look: Looker) -> None:
    page = await look.open("/signs/sign-1")
    async with httpx.AsyncClient(base_url=look.town.url, trust_env=False, timeout=PATIENCE_S) as client:
        told = (await client.get("/v1/signs/sign-1")).json()
    await expect(lamps(page)).to_have_attribute("aria-label", told["text"])
    assert told["text"] == "7"
    assert await lit(page.locator("main")) > 10
    look.town.ingestor.publish("queen-street", {"queen-street-000": "occupied"})
    look.town.ingestor.confirm()
    await expect(lamps(page)).to_have_attribute("aria-label", "6")


async def test_a_sign_goes_out_when_the_network_is_cut_and_comes_back(look: Looker) -> None:
    page = await look.open("/signs/sign-1")
    await expect(lamps(page)).to_have_attribute("aria-label", "7")
    await page.context.set_offline(True)
    await expect(lamps(page)).to_have_attribute("aria-label", "blank", timeout=15_000)
    assert await lit(page.locator("main")) == 0
    await expect(page.locator("[data-says]")).to_have_text("blank: there is no connection")
    look.town.ingestor.confirm()
    await page.context.set_offline(False)
    await expect(lamps(page)).to_have_attribute("aria-label", "7", timeout=15_000)
    assert await lit(page.locator("main")) > 10


async def test_every_sign_of_the_wall_goes_out_when_the_network_is_cut(look: Looker) -> None:
    page = await look.open("/signs")
    sign, other = on_the_wall(page, "sign-1"), on_the_wall(page, "sign-p1")
    await expect(sign.locator("svg")).to_have_attribute("aria-label", "7")
    await page.context.set_offline(True)
    lost = "No connection. The numbers are not known now."
    await expect(page.locator("#state")).to_have_text(lost, timeout=15_000)
    await expect(sign.locator("svg")).to_have_attribute("aria-label", "blank", timeout=15_000)
    assert await lit(sign) == 0
    # Its answer is valid for longer.
    assert await lit(other) > 10
    look.town.ingestor.confirm()
    await page.context.set_offline(False)
    await expect(sign.locator("svg")).to_have_attribute("aria-label", "7", timeout=15_000)
    await expect(page.locator("#state")).to_have_text("")


async def test_a_sign_goes_out_when_nobody_confirms_the_number(look: Looker) -> None:
    page = await look.open("/signs/sign-1")
    await expect(lamps(page)).to_have_attribute("aria-label", "7")
    await expect(page.locator("[data-says]")).to_have_text(
        "blank: the number is too old to be shown", timeout=25_000
    )
    assert await lit(page.locator("main")) == 0


async def test_the_wall_says_what_each_sign_shows_and_why(look: Looker) -> None:
    page = await look.open("/signs")
    for sign, says, why in (
        ("sign-1", "7: 20 of 20 spaces report", "spaces"),
        ("sign-3", "FULL: no space is known to be free", "full"),
        ("sign-4", "CLOSED: closed", "closed"),
        ("sign-5", "blank: only 0 of 5 spaces report; 75% must", "untrusted"),
        ("sign-p1", "14: 380 of 380 spaces report", "spaces"),
    ):
        await expect(on_the_wall(page, sign).locator("[data-says]")).to_have_text(says)
        await expect(on_the_wall(page, sign)).to_have_attribute("data-why", why)


async def test_what_an_operator_sets_is_seen_on_the_wall_with_its_reason(look: Looker) -> None:
    page = await look.open("/signs")
    async with connect(look.town.database_url, name="test") as connection:
        await set_override(
            connection,
            "sign-1",
            text="CLOSED",
            until=timedelta(hours=1),
            reason="Burst water main",
            actor="test",
        )
        await connection.commit()
    says = on_the_wall(page, "sign-1").locator("[data-says]")
    await expect(says).to_contain_text("CLOSED: set by an operator until", timeout=15_000)
    await expect(says).to_contain_text("Burst water main")


async def test_in_full_screen_there_is_nothing_but_the_sign(look: Looker) -> None:
    page = await look.open("/signs/sign-1")
    await page.get_by_role("button", name="Full screen").click()
    await page.wait_for_function("document.fullscreenElement !== null")
    width = await page.evaluate("document.querySelector('.app-street__why').getBoundingClientRect().width")
    assert width <= 1
