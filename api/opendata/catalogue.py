"""The catalogue of all documents: DCAT 3, by the application profile for Europe (DCAT-AP), as JSON-LD."""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from api.opendata.city import City, Publisher
from api.opendata.document import DATASETS, ROOT, Dataset, Listed

_encode = msgspec.json.Encoder().encode
_AUTHORITY = "http://publications.europa.eu/resource/authority/"
_MEDIA = "http://www.iana.org/assignments/media-types/"
CONTEXT = {
    "dcat": "http://www.w3.org/ns/dcat#",
    "dct": "http://purl.org/dc/terms/",
    "foaf": "http://xmlns.com/foaf/0.1/",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
}


def catalogue(documents: Sequence[Listed]) -> Callable[[City], bytes]:
    """What makes the catalogue of these documents."""

    def render(city: City) -> bytes:
        publisher = city.publisher
        return _encode(
            {
                "@context": CONTEXT,
                "@id": publisher.link(ROOT),
                "@type": "dcat:Catalog",
                "dct:title": _text(f"Parking: open data of {publisher.name}"),
                "dct:description": _text("Parking spaces and how many of them are free, in open standards."),
                "dct:publisher": _publisher(publisher),
                "dct:license": {"@id": publisher.licence_url},
                "dct:language": {"@id": f"{_AUTHORITY}language/ENG"},
                "dct:modified": _moment(city),
                "dcat:dataset": [_dataset(city, one, documents) for one in DATASETS],
            }
        )

    return render


def _dataset(city: City, dataset: Dataset, documents: Sequence[Listed]) -> dict[str, Any]:
    publisher = city.publisher
    return {
        "@id": publisher.link(f"{ROOT}#{dataset.id}"),
        "@type": "dcat:Dataset",
        "dct:identifier": dataset.id,
        "dct:title": _text(dataset.title),
        "dct:description": _text(dataset.about),
        "dct:publisher": _publisher(publisher),
        "dct:accrualPeriodicity": {"@id": f"{_AUTHORITY}frequency/{dataset.frequency}"},
        "dct:modified": _moment(city),
        "dcat:theme": {"@id": f"{_AUTHORITY}data-theme/TRAN"},
        "dcat:keyword": [_text(word) for word in ("parking", "car parks", "kerbside", "real time")],
        "dcat:distribution": [_distribution(publisher, one) for one in documents if one.dataset is dataset],
    }


def _distribution(publisher: Publisher, document: Listed) -> dict[str, Any]:
    link = {"@id": publisher.link(document.path)}
    return {
        "@id": publisher.link(f"{document.path}#distribution"),
        "@type": "dcat:Distribution",
        "dct:title": _text(f"{document.standard}: {document.title}"),
        "dct:description": _text(document.about),
        "dcat:accessURL": link,
        "dcat:downloadURL": link,
        "dcat:mediaType": {"@id": _MEDIA + document.media_type.partition(";")[0]},
        "dct:conformsTo": {"@id": document.conforms_to},
        "dct:license": {"@id": publisher.licence_url},
    }


def _publisher(publisher: Publisher) -> dict[str, Any]:
    return {"@type": "foaf:Agent", "foaf:name": publisher.name}


def _text(text: str) -> dict[str, str]:
    return {"@value": text, "@language": "en"}


def _moment(city: City) -> dict[str, Any]:
    return {"@value": city.as_of, "@type": "xsd:dateTime"}
