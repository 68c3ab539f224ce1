"""Puts the pages into the application."""

from fastapi import FastAPI

from api.live import LiveView
from api.pages.assets import Assets
from api.pages.docs import add_docs
from api.pages.site import Pages
from api.pages.sites import add_sites
from api.prepared import Answers


def install_pages(app: FastAPI, view: LiveView, answers: Answers) -> None:
    """Add the pages and what they load. Call it last: the documentation describes what is there."""
    pages = Pages(app)
    add_sites(pages, view, answers)
    add_docs(pages, app)
    app.mount("/static", Assets(), name="static")
