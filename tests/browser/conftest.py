"""Real pages in a real Chromium: a town in a real database, a real `parking api`, and a browser."""

import json
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.async_api import Browser, BrowserContext, Page, async_playwright

from parking.access_keys import Scope
from tests.browser.town import make_town
from tests.conftest import StartProcess
from tests.support.access import key_of
from tests.support.ingestor import HandIngestor
from tests.support.services import PROJECT

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome") or shutil.which("chrome")
AXE = PROJECT / "web" / "node_modules" / "axe-core" / "axe.min.js"
FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
PHONE, DESKTOP = (360, 740), (1280, 900)

Scheme = Literal["light", "dark"]


@dataclass(frozen=True, slots=True)
class Town:
    """A running API over a town in which every kind of site is to be seen."""

    url: str
    database_url: str
    ingestor: HandIngestor


async def as_staff(context: BrowserContext, town: Town) -> None:
    """Sign in with a key that may do everything."""
    key = await key_of(town.database_url, *Scope, name="Ann, parking office")
    page = await context.new_page()
    await page.goto("/sign-in")
    await page.get_by_label("Key").fill(key.text)
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/manage/**")
    await page.close()


@dataclass(frozen=True, slots=True)
class Looker:
    """Opens pages as some device would."""

    browser: Browser
    town: Town

    async def context(
        self,
        *,
        size: tuple[int, int] = PHONE,
        scheme: Scheme = "light",
        javascript: bool = True,
        **more: Any,
    ) -> BrowserContext:
        """A browser of its own, as on a phone with a light screen unless told otherwise."""
        context = await self.browser.new_context(
            viewport={"width": size[0], "height": size[1]},
            color_scheme=scheme,
            java_script_enabled=javascript,
            base_url=self.town.url,
            locale="en-GB",
            timezone_id="Europe/London",
            **more,
        )
        context.set_default_timeout(15_000)
        return context

    async def open(self, path: str, **device: Any) -> Page:
        """Open a page in a browser of its own."""
        page = await (await self.context(**device)).new_page()
        answer = await page.goto(path)
        assert answer is not None
        assert answer.ok, f"{path}: {answer.status}"
        return page


@pytest.fixture
async def town(database_url: str, process: StartProcess) -> AsyncIterator[Town]:
    """A town behind a real `parking api`."""
    await make_town(database_url)
    api = await process("api", env={"PARKING_DATABASE_URL": database_url, "PARKING_API_PORT": "0"})
    url = (await api.wait_for_output(r"http://127\.0\.0\.1:\d+")).group()
    with HandIngestor(database_url) as ingestor:
        ingestor.confirm()
        await api.wait_for_http(f"{url}/v1/sites")
        yield Town(url, database_url, ingestor)


@pytest.fixture
async def look(town: Town) -> AsyncIterator[Looker]:
    """A Chromium in front of the town."""
    if CHROMIUM is None:
        pytest.skip("there is no Chromium (Debian: apt-get install chromium)")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield Looker(browser, town)
        await browser.close()


async def load_axe(page: Page) -> None:
    """Bring axe into the page that is open."""
    await page.evaluate(AXE.read_text("utf-8"))


async def violations(page: Page) -> list[str]:
    """What axe, which is loaded, finds wrong with the page as it is now, one line for each place."""
    found = await page.evaluate(
        "rules => axe.run({runOnly: {type: 'tag', values: rules}, resultTypes: ['violations']})", RULES
    )
    return [
        f"{violation['id']} ({violation['impact']}): {node['html'][:200]} {_why(node)}"
        for violation in found["violations"]
        for node in violation["nodes"]
    ]


def _why(node: dict[str, Any]) -> str:
    return json.dumps([check["message"] for check in node["any"] + node["all"] + node["none"]])[:300]


async def shot(page: Page, name: str, folder: Path) -> None:
    """A picture of the whole page."""
    await page.screenshot(path=folder / f"{name}.png", full_page=True)
