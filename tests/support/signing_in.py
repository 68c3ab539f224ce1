"""Signing in to the pages over HTTP, as a browser does it."""

import re

import httpx

from parking.access_keys import Presented


def form_token(text: str) -> str:
    """The token in a page's form."""
    match = re.search(r'name="csrf" value="([^"]+)"', text)
    assert match is not None, "the page has a form with a token"
    return match[1]


async def sign_in(client: httpx.AsyncClient, key: Presented | str, **more: str) -> httpx.Response:
    """Fill in the form and send it. The client keeps the cookies; it does not follow."""
    page = await client.get("/sign-in")
    form = {"csrf": form_token(page.text), "key": key if isinstance(key, str) else key.text, **more}
    return await client.post("/sign-in", data=form)
