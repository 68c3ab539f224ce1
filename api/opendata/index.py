"""The index of the open data as JSON: /open-data/."""

from typing import Annotated

import msgspec
from msgspec import Meta

from api.opendata.city import Publisher
from api.opendata.documents import LISTED
from api.prepared import Prepared, prepared

CACHE = "public, max-age=300"
Link = Annotated[str, Meta(description="an address; without a host, on this host")]


class OpenDocument(msgspec.Struct, frozen=True):
    """One document of the open data."""

    url: Link
    title: str
    dataset: str
    standard: str
    conforms_to: Link
    media_type: str
    about: str


class OpenDataIndex(msgspec.Struct, frozen=True):
    """All documents of the open data, and on what terms they may be used."""

    publisher: str
    licence: str
    licence_url: Link
    documents: list[OpenDocument]


def index(publisher: Publisher) -> Prepared:
    """What there is; it never changes while the API runs."""
    documents = [
        OpenDocument(
            url=publisher.link(one.path),
            title=one.title,
            dataset=one.dataset.id,
            standard=one.standard,
            conforms_to=one.conforms_to,
            media_type=one.media_type,
            about=one.about,
        )
        for one in LISTED
    ]
    body = OpenDataIndex(publisher.name, publisher.licence, publisher.licence_url, documents)
    return prepared(msgspec.json.encode(body), cache=CACHE, vary="Accept")
