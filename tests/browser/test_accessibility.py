"""axe finds nothing on any page: light and dark, phone and desktop, at 200 % zoom, in every language."""

import pytest

from tests.browser.conftest import DESKTOP, PHONE, Looker, Scheme, as_staff, load_axe, violations

# axe alone takes a minute where others keep the machine busy.
pytestmark = pytest.mark.timeout(300)

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
    "/map",
    "/sites/queen-street/report",
    "/sites/queen-street/report?sent=1",
    "/cy/?place=Queen+Street&arrive=15",
    "/cy/sites/queen-street",
    "/cy/map",
    "/sign-in",
]
STAFF_PATHS = [
    "/manage/today",
    "/manage/maintenance",
    "/manage/closures",
    "/manage/closures/1",
    "/manage/registry",
    "/manage/registry/import",
    "/manage/registry/bays?site=queen-street",
    "/manage/registry/bays/queen-street-001/device",
    "/manage/registry/bays/queen-street-001/remove",
    "/manage/registry/signs/sign-1",
    "/manage/system",
    "/manage/keys",
    "/manage/audit",
    "/manage/signs",
    "/manage/counts",
    "/manage/counts/castle-mews",
    "/manage/signs/sign-1",
    "/manage/use",
    "/manage/use?site=castle-mews",
    "/manage/stays",
]
ZOOMED = (DESKTOP[0] // 2, DESKTOP[1] // 2)
"""A desktop at 200 % zoom has half the CSS pixels."""
LOOKS: list[tuple[tuple[int, int], Scheme]] = [
    (PHONE, "light"),
    (PHONE, "dark"),
    (DESKTOP, "light"),
    (ZOOMED, "dark"),
]


@pytest.mark.parametrize("paths", [PATHS, STAFF_PATHS], ids=["drivers", "staff"])
async def test_axe_finds_nothing(look: Looker, paths: list[str]) -> None:
    context = await look.context()
    if paths is STAFF_PATHS:
        await as_staff(context, look.town)
    page = await context.new_page()
    found: list[str] = []
    for path in paths:
        answer = await page.goto(path)
        assert answer is not None
        assert answer.ok, f"{path}: {answer.status}"
        assert page.url.endswith(path), f"{path} leads to {page.url}"
        await load_axe(page)
        # A page that is open turns dark or narrow by its styles alone: loading it anew costs seconds.
        for size, scheme in LOOKS:
            await page.set_viewport_size({"width": size[0], "height": size[1]})
            await page.emulate_media(color_scheme=scheme)
            found += [f"{path} {scheme} {size[0]}: {line}" for line in await violations(page)]
            width = await page.evaluate("document.documentElement.scrollWidth")
            if width > size[0]:
                found.append(f"{path} is {width} wide at {size[0]}: one must scroll sideways")
    assert found == []


async def test_no_page_asks_anything_of_another_host_or_breaks_the_policy(look: Looker) -> None:
    asked: list[str] = []
    told: list[str] = []
    context = await look.context()
    await as_staff(context, look.town)
    for path in PATHS + STAFF_PATHS:
        if path == "/sign-in":
            continue
        page = await context.new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda message: told.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: told.append(str(error)))
        await page.goto(path, wait_until="load")
        if path == "/map":
            await page.locator("#map[data-drawn]").wait_for()
        await page.close()
    assert [url for url in asked if not url.startswith(look.town.url)] == []
    assert told == []
