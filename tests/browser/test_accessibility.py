"""axe finds nothing on any page: light and dark, phone and desktop, at 200 % zoom, in every language."""

import pytest

from tests.browser.conftest import DESKTOP, PHONE, Looker, Scheme, violations

PATHS = ["/", "/sites", "/docs", "/cy/sites"]
ZOOMED = (DESKTOP[0] // 2, DESKTOP[1] // 2)
"""A desktop at 200 % zoom has half the CSS pixels."""


@pytest.mark.parametrize("path", PATHS)
async def test_axe_finds_nothing(look: Looker, path: str) -> None:
    found: list[str] = []
    schemes: tuple[Scheme, Scheme] = ("light", "dark")
    for size in (PHONE, DESKTOP, ZOOMED):
        for scheme in schemes:
            page = await look.open(path, size=size, scheme=scheme)
            found += [f"{size} {scheme} {line}" for line in await violations(page)]
            width = await page.evaluate("document.documentElement.scrollWidth")
            if width > size[0]:
                found.append(f"{size} {scheme} is {width} wide: one must scroll sideways")
            await page.context.close()
    assert found == []


async def test_no_page_asks_anything_of_another_host_or_breaks_the_policy(look: Looker) -> None:
    asked: list[str] = []
    told: list[str] = []
    for path in PATHS:
        page = await (await look.context()).new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda message: told.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: told.append(str(error)))
        await page.goto(path, wait_until="load")
        await page.context.close()
    assert [url for url in asked if not url.startswith(look.town.url)] == []
    assert told == []
