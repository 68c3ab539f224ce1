"""The index of the open data, for people: /open-data."""

from fastapi import Request
from starlette.responses import Response

from api.answers import answer
from api.opendata.city import Publisher
from api.opendata.document import DATASETS
from api.opendata.documents import LISTED
from api.pages.site import Page, Pages, html


def add_open_data(pages: Pages, publisher: Publisher) -> None:
    """Add the page."""
    datasets = [
        (dataset, [document for document in LISTED if document.dataset is dataset]) for dataset in DATASETS
    ]

    async def index(request: Request, page: Page) -> Response:
        shown = [(dataset, documents) for dataset, documents in datasets if documents]
        return answer(request, html(page.render("open_data.html", publisher=publisher, datasets=shown)))

    pages.add("/open-data", index)
