"""axe finds nothing on any page: light and dark, phone and desktop, at 200 % zoom, in every language."""

import pytest

from tests.browser.conftest import DESKTOP, PHONE, Looker, Scheme, violations

PATHS = [
    "/",
    "/?place=Queen+Street&arrive=15",
    "/?place=nowhere",
    "/sites",
    "/sites/queen-street",
    "/sites/greyfriars-road",
    "/sites/castle-mews",
    "/signs",
    "/signs/sign-1",
    "/accessibility",
    "/open-data",
    "/docs",
]
ZOOMED = (DESKTOP[0] // 2, DESKTOP[1] // 2)
"""A desktop at 200 % zoom has half the CSS pixels."""


@pytest.mark.parametrize(
    ("size", "scheme"), [(PHONE, "light"), (PHONE, "dark"), (DESKTOP, "light"), (ZOOMED, "dark")]
)
async def test_axe_finds_nothing(look: Looker, size: tuple[int, int], scheme: Scheme) -> None:
    context = await look.context(size=size, scheme=scheme)
    page = await context.new_page()
    found: list[str] = []
    for path in PATHS:
        answer = await page.goto(path)
        assert answer is not None
        assert answer.ok, f"{path}: {answer.status}"
        found += [f"{path}: {line}" for line in await violations(page)]
        width = await page.evaluate("document.documentElement.scrollWidth")
        if width > size[0]:
            found.append(f"{path} is {width} wide: one must scroll sideways")
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
