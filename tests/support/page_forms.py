"""Forms of pages, filled in as a browser without scripts does."""

import re
from html import unescape
from html.parser import HTMLParser

import httpx


class _Forms(HTMLParser):
    """Collects what each form would send, by its action."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: dict[str, dict[str, str]] = {}
        self._form: dict[str, str] | None = None
        self._select = ""
        self._area = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._form = self.forms.setdefault(given.get("action", ""), {})
        elif self._form is not None:
            self._control(tag, given)

    def _control(self, tag: str, given: dict[str, str]) -> None:
        assert self._form is not None
        name = given.get("name", "")
        if tag == "input" and given.get("type") == "checkbox":
            if "checked" in given:
                self._form[name] = given["value"]
        elif tag == "input" and name:
            self._form[name] = given.get("value", "")
        elif tag == "select":
            self._select = name
        elif tag == "option" and self._select:
            if "selected" in given or self._select not in self._form:
                self._form[self._select] = given["value"]
        elif tag == "textarea":
            self._area = name
            self._form[name] = ""

    def handle_data(self, data: str) -> None:
        if self._area and self._form is not None:
            self._form[self._area] += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._form = None
        elif tag == "select":
            self._select = ""
        elif tag == "textarea":
            self._area = ""


def form_of(html: str, action: str) -> dict[str, str]:
    """What the form with that action would send as it stands; its button aside."""
    parser = _Forms()
    parser.feed(html)
    assert action in parser.forms, f"there is a form to {action}: {sorted(parser.forms)}"
    return parser.forms[action]


async def fill_in(client: httpx.AsyncClient, path: str, do: str, **typed: str) -> httpx.Response:
    """Open the page, type into its form (`__` in a name is a dot), and press a button."""
    page = await client.get(path)
    assert page.status_code == 200, page.text
    action = path.partition("?")[0]
    values = {name.replace("__", "."): value for name, value in typed.items()}
    return await client.post(action, data={**form_of(page.text, action), **values, "do": do})


async def press(client: httpx.AsyncClient, page: httpx.Response, do: str) -> httpx.Response:
    """Press a button of the form on a page that a form answered with."""
    action = str(page.request.url.path)
    return await client.post(action, data={**form_of(page.text, action), "do": do})


def rows(html: str) -> list[list[str]]:
    """The cells of all tables of a page, a list a row."""
    found = []
    for row in re.findall(r"<tr[^>]*>(.*?)</tr>", html, re.DOTALL):
        cells = re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL)
        found.append([unescape(re.sub(r"<[^>]+>", "", cell)).strip() for cell in cells])
    return found


def problems(html: str) -> dict[str, str]:
    """The error summary: the sentence by the field that it leads to."""
    summary = re.search(r'<div class="govuk-error-summary.*?</ul>', html, re.DOTALL)
    assert summary is not None, html
    found = re.findall(r'<a href="#([^"]+)">(.*?)</a>', summary[0], re.DOTALL)
    return {field: unescape(text).strip() for field, text in found}
