"""Pictures of the pages for the README and for whoever changes them: `make screenshots`.

A town in a real database behind a real `parking api`, each page in a real Chromium at two widths.
"""

import argparse
import asyncio
import io
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from PIL import Image
from playwright.async_api import Browser, Page, async_playwright

from parking.access_keys import Scope
from tests.browser.conftest import CHROMIUM, DESKTOP, FLAGS, PHONE
from tests.browser.town import make_used_town
from tests.support.access import key_of
from tests.support.databases import Databases
from tests.support.ingestor import HandIngestor
from tests.support.processes import ParkingProcess
from tests.support.services import PROJECT, find_services

FOLDER: Final = PROJECT / "docs" / "images"
WIDTHS: Final = {"phone": PHONE, "desktop": DESKTOP}
COLOURS: Final = 128
TALLEST: Final = 1600
"""CSS pixels of a picture; what is below is more of the same."""


@dataclass(frozen=True, slots=True)
class Shot:
    """A page to picture; `staff`: as somebody who has signed in."""

    name: str
    path: str
    staff: bool = False
    map: bool = False


SHOTS: Final = (
    Shot("find", "/?place=Queen+Street"),
    Shot("sites", "/sites"),
    Shot("site", "/sites/queen-street"),
    Shot("map", "/map", map=True),
    Shot("report", "/sites/queen-street/report"),
    Shot("signs", "/signs"),
    Shot("sign", "/signs/sign-1"),
    Shot("sign-in", "/sign-in"),
    Shot("today", "/manage/today", staff=True),
    Shot("use", "/manage/use", staff=True),
    Shot("use-gates", "/manage/use?site=castle-mews", staff=True),
    Shot("stays", "/manage/stays", staff=True),
    Shot("maintenance", "/manage/maintenance", staff=True),
    Shot("counts", "/manage/counts/castle-mews", staff=True),
    Shot("closures", "/manage/closures", staff=True),
    Shot("registry", "/manage/registry", staff=True),
    Shot("registry-bays", "/manage/registry/bays", staff=True),
    Shot("registry-site", "/manage/registry/sites/castle-mews", staff=True),
)


Make = Callable[[str], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Served:
    """A town that is served: the address of its pages, a key that may do everything, and its ingestor."""

    url: str
    key: str
    ingestor: HandIngestor


@asynccontextmanager
async def serving(make: Make = make_used_town) -> AsyncIterator[Served]:
    """What `make` puts into a fresh database, behind a real `parking api`; its numbers stay confirmed."""
    services = find_services()
    databases = Databases(services.database())
    database_url = databases.create()
    try:
        await make(database_url)
        key = await key_of(database_url, *Scope, name="Ann, parking office")
        with tempfile.TemporaryDirectory() as folder, HandIngestor(database_url) as ingestor:
            api = ParkingProcess(
                ["api"],
                env={"PARKING_DATABASE_URL": database_url, "PARKING_API_PORT": "0"},
                log=Path(folder) / "api.log",
            )
            try:
                url = (await api.wait_for_output(r"http://127\.0\.0\.1:\d+")).group()
                ingestor.confirm()
                await api.wait_for_http(f"{url}/v1/sites")
                async with asyncio.TaskGroup() as tasks:
                    confirming = tasks.create_task(_keep_fresh(ingestor), name="confirm")
                    yield Served(url, key.text, ingestor)
                    confirming.cancel()
            finally:
                await api.reap()
    finally:
        databases.drop(database_url)
        databases.close()
        services.close()


async def _keep_fresh(ingestor: HandIngestor) -> None:
    while True:
        ingestor.confirm()
        await asyncio.sleep(3)


async def picture(
    browser: Browser, served: Served, shots: Sequence[Shot], options: argparse.Namespace
) -> None:
    """Take all the pictures at one width after the other."""
    scheme: Literal["light", "dark"] = "dark" if options.dark else "light"
    for width, (x, y) in WIDTHS.items():
        context = await browser.new_context(
            base_url=served.url, viewport={"width": x, "height": y}, color_scheme=scheme, locale="en-GB"
        )
        page = await context.new_page()
        signed_in = False
        for shot in sorted(shots, key=lambda shot: shot.staff):
            if shot.staff and not signed_in:
                await sign_in(page, served.key)
                signed_in = True
            file = options.folder / f"{shot.name}-{width}.png"
            file.write_bytes(await take(page, shot, x))
            print(f"{file}: {file.stat().st_size:,} bytes")
        await context.close()


async def sign_in(page: Page, key: str) -> None:
    """Sign in as a manager."""
    await page.goto("/sign-in")
    await page.get_by_label("Key").fill(key)
    await page.get_by_role("button", name="Sign in").click()
    await page.wait_for_url("**/manage/**")


async def take(page: Page, shot: Shot, width: int) -> bytes:
    """One picture as a PNG of few colours."""
    await page.goto(shot.path, wait_until="load")
    if shot.map:
        await page.locator("#map[data-drawn]").wait_for()
    height = min(TALLEST, int(await page.evaluate("document.documentElement.scrollHeight")))
    raw = await page.screenshot(full_page=True, clip={"x": 0, "y": 0, "width": width, "height": height})
    image = Image.open(io.BytesIO(raw)).convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
    made = io.BytesIO()
    image.save(made, "PNG", optimize=True)
    return made.getvalue()


async def main(options: argparse.Namespace) -> None:
    """Serve the town and picture it."""
    shots = [shot for shot in SHOTS if not options.only or shot.name in options.only]
    options.folder.mkdir(parents=True, exist_ok=True)
    async with serving() as served, async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        await picture(browser, served, shots, options)
        await browser.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where the pictures go")
    parser.add_argument("--only", nargs="*", help="names of pages: " + ", ".join(shot.name for shot in SHOTS))
    parser.add_argument("--dark", action="store_true", help="on a dark screen")
    asyncio.run(main(parser.parse_args()))
