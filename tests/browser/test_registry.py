"""The registry's forms in a browser: by keyboard, without JavaScript, and axe on what only a form shows."""

import pytest
from playwright.async_api import expect

from tests.browser.conftest import DESKTOP, PHONE, Looker, Scheme, as_staff, load_axe, violations


async def test_a_bay_is_found_and_changed_by_keyboard_without_javascript(look: Looker) -> None:
    context = await look.context(javascript=False)
    await as_staff(context, look.town)
    page = await context.new_page()
    await page.goto("/manage/registry")
    await page.get_by_label("Find a bay").focus()
    await page.keyboard.type("street-s3")
    await page.keyboard.press("Enter")
    await page.get_by_role("link", name="queen-street-003", exact=True).press("Enter")
    await page.get_by_label("Longest stay in minutes").fill("soon")
    await page.keyboard.press("Enter")
    problem = page.get_by_role("alert").get_by_role("link")
    await expect(problem).to_have_text(
        "Longest stay in minutes: must be a whole number, such as 120 (found 'soon')"
    )
    assert (await page.title()).startswith("Error: ")
    await problem.press("Enter")
    field = page.get_by_label("Longest stay in minutes")
    await expect(field).to_be_focused()
    await expect(field).to_have_value("soon")
    await field.fill("45")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", level=1)).to_contain_text("What will change")
    await expect(page.get_by_role("row", name="Longest stay in minutes 120 45")).to_be_visible()
    await page.get_by_role("button", name="Save").press("Enter")
    await expect(page.get_by_role("alert")).to_contain_text("It was changed.")
    await expect(page.get_by_label("Longest stay in minutes")).to_have_value("45")


async def test_lists_on_a_phone_show_each_value_without_scrolling_sideways(look: Looker) -> None:
    context = await look.context()
    await as_staff(context, look.town)
    page = await context.new_page()
    cut = "all => all.filter(one => one.scrollWidth > one.clientWidth).length"
    for kind in ("registry/sites", "registry/bays", "registry/devices", "registry/gates", "registry/signs"):
        await page.goto(f"/manage/{kind}")
        assert await page.locator(".app-scroll").evaluate_all(cut) == 0, kind
    await page.goto("/manage/registry/bays")
    # It is a table still for those who hear it.
    row = page.get_by_role("row", name="queen-street-003")
    device = row.get_by_role("cell").filter(has=page.get_by_role("link", name="queen-street-s3"))
    await expect(device).to_be_visible()
    label = await device.evaluate("cell => getComputedStyle(cell, '::before').content")
    assert label.startswith('"Device"')
    await page.goto("/manage/closures")
    await expect(page.get_by_role("link", name="Change")).to_be_visible()
    assert await page.locator(".app-scroll").evaluate_all(cut) == 0


@pytest.mark.parametrize(("size", "scheme"), [(PHONE, "dark"), (DESKTOP, "light")])
async def test_axe_finds_nothing_on_what_forms_answer(
    look: Looker, size: tuple[int, int], scheme: Scheme
) -> None:
    context = await look.context(size=size, scheme=scheme)
    await as_staff(context, look.town)
    page, other = await context.new_page(), await context.new_page()
    found: list[str] = []

    async def examine(what: str) -> None:
        await load_axe(page)
        found.extend(f"{what}: {line}" for line in await violations(page))
        width = await page.evaluate("document.documentElement.scrollWidth")
        if width > size[0]:
            found.append(f"{what} is {width} wide: one must scroll sideways")

    path = "/manage/registry/sites/castle-mews"
    await page.goto(path)
    await other.goto(path)
    await page.get_by_label("Opening hours").fill("whenever")
    await page.get_by_role("button", name="Continue").click()
    await expect(page.get_by_role("alert")).to_contain_text("Opening hours: ")
    await examine("with an error")
    await other.get_by_label("Operator").fill("The council")
    await other.get_by_role("button", name="Continue").click()
    await other.get_by_role("button", name="Save").click()
    await expect(other.get_by_role("alert")).to_contain_text("It was changed.")
    await page.get_by_label("Opening hours").fill("Mo-Fr 08:00-18:00")
    await page.get_by_role("button", name="Continue").click()
    await expect(page.get_by_role("row", name="Operator nothing The council")).to_be_visible()
    await examine("changed meanwhile")
    await page.get_by_role("button", name="Continue").click()
    await expect(page.get_by_role("row", name="Opening hours 24/7 Mo-Fr 08:00-18:00")).to_be_visible()
    await examine("preview")
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_role("alert")).to_contain_text("It was changed.")
    await examine("saved")
    assert found == []
