"""The open-data documents over HTTP: each says the same number as /v1/sites, at the same revision."""

import json
import sys
from email.utils import format_datetime, parsedate_to_datetime
from functools import partial

import pytest

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

from api.opendata.document import ROOT
from api.opendata.documents import DOCUMENTS, LISTED
from tests.integration.api.conftest import Api, StartApi
from tests.support.ingestor import HandIngestor
from tests.support.open_numbers import NO_NUMBER, READERS
from tests.support.polling import until

PATHS = [document.path for document in DOCUMENTS]


@pytest.fixture
async def confirmed(api: Api, city_url: str) -> Api:
    """The API with numbers that an ingestor vouches for; the car park has a location too."""
    with HandIngestor(city_url) as ingestor:
        ingestor.run("UPDATE site SET lon = -3.18, lat = 51.48 WHERE site_id = 'castle-mews'")
        ingestor.notify("parking_registry")
        ingestor.confirm()
        ingestor.publish(
            "street-0", {"street-0-0": "vacant", "street-0-1": "vacant", "street-0-2": "occupied"}
        )
        await until(
            lambda: (
                api.parts.view.sites["street-0"].snapshot.vacant == 2
                and api.parts.view.confirmed_at
                and api.parts.view.sites["castle-mews"].facts.location
            ),
            what="the numbers arrive",
        )
    return api


async def test_each_document_is_served_with_what_caches_need(confirmed: Api) -> None:
    for document in DOCUMENTS:
        answer = await confirmed.client.get(document.path)
        assert answer.status_code == 200, (document.path, answer.text)
        assert answer.headers["content-type"] == document.media_type
        assert answer.headers["cache-control"] == "public, max-age=5, must-revalidate"
        assert parsedate_to_datetime(answer.headers["last-modified"])
        tag = {"if-none-match": answer.headers["etag"]}
        again = await confirmed.client.get(document.path, headers=tag)
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == answer.headers["etag"]


async def test_if_modified_since_counts_only_without_a_tag(confirmed: Api) -> None:
    path = "/open-data/sites.csv"
    answer = await confirmed.client.get(path)
    since = {"if-modified-since": answer.headers["last-modified"]}
    assert (await confirmed.client.get(path, headers=since)).status_code == 304
    assert (await confirmed.client.get(path, headers={**since, "if-none-match": '"x"'})).status_code == 200
    made_at = parsedate_to_datetime(answer.headers["last-modified"])
    older = format_datetime(made_at.replace(year=made_at.year - 1), usegmt=True)
    for text in (older, "yesterday"):
        headers = {"if-modified-since": text}
        assert (await confirmed.client.get(path, headers=headers)).status_code == 200


async def test_documents_are_coded_as_the_client_likes(confirmed: Api) -> None:
    path = "/open-data/datex2/site-status.xml"
    plain = await confirmed.client.get(path, headers={"accept-encoding": "identity"})
    for coding in ("gzip", "zstd"):
        coded = await confirmed.client.get(path, headers={"accept-encoding": coding})
        assert coded.headers.get("content-encoding") == coding
        body = zstd.decompress(coded.content) if coding == "zstd" else coded.content
        assert body == plain.content


async def test_before_the_first_load_each_says_when_to_ask_again(start_api: StartApi) -> None:
    async with start_api() as api:
        api.parts.view.loaded = False
        answer = await api.client.get(PATHS[0])
        assert answer.status_code == 503
        assert int(answer.headers["retry-after"]) > 0


async def test_openapi_has_every_document(api: Api) -> None:
    paths = json.loads((await api.client.get("/openapi.json")).content)["paths"]
    assert set(PATHS) <= paths.keys()


def _arrived(api: Api, revision: int) -> bool:
    return api.parts.view.sites["street-0"].snapshot.revision >= revision


async def test_every_document_says_the_number_of_v1_sites_at_the_same_revision(
    confirmed: Api, city_url: str
) -> None:
    """Numbers change all the while; each document says what the newest revision says."""
    client = confirmed.client
    with HandIngestor(city_url) as ingestor:
        for free in range(5):
            states = {f"street-0-{bay}": "vacant" if bay < free else "occupied" for bay in range(4)}
            revision = ingestor.publish("street-0", states)
            ingestor.publish("street-1", {f"street-1-{bay}": "vacant" for bay in range(4)})
            ingestor.confirm()
            await until(
                partial(_arrived, confirmed, revision),
                what="the revision arrives",
            )
            sites = (await client.get("/v1/sites")).json()["sites"]
            numbers = {site["id"]: site["vacant"] for site in sites}
            assert numbers == {"street-0": free, "street-1": 4, "castle-mews": 90}
            confirmed.parts.open_data.forget()
            for name, read in READERS.items():
                told = read((await client.get(f"{ROOT}{name}")).content)
                assert told, name
                assert told.items() <= numbers.items(), name


def test_every_document_is_read_here_or_has_no_number() -> None:
    assert {f"{ROOT}{name}" for name in (*READERS, *NO_NUMBER)} == set(PATHS)


async def test_the_index_is_json_for_programs_and_a_page_for_people(api: Api) -> None:
    answer = await api.client.get("/open-data/", headers={"accept": "application/json"})
    index = answer.json()
    listed = [document.path for document in LISTED]
    assert set(PATHS) < set(listed)
    assert [document["url"] for document in index["documents"]] == listed
    assert index["licence_url"].startswith("https://www.nationalarchives.gov.uk/doc/open-government-licence/")
    led = await api.client.get("/open-data/", headers={"accept": "text/html,*/*;q=0.8"})
    assert (led.status_code, led.headers["location"]) == (303, "/open-data")
    page = await api.client.get("/open-data", headers={"accept": "text/html"})
    assert page.headers["content-type"].startswith("text/html")
    for path in listed:
        assert f'href="{path}"' in page.text
