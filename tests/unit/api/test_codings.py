"""Content codings: the one that a client likes best, each with its own ETag, coded once for all."""

import gzip
import sys

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api import prepared as prepared_module
from api.codings import ENCODERS, LEAST_BYTES, Choice, Coding, choose
from api.live import LiveView
from api.prepared import Answers, Prepared, prepared
from parking.signs import SignRules
from tests.support.live import everything, street
from tests.support.serving import loaded_app, served

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

LONG, SHORT = b"a long body " * 200, b"short"


@pytest.mark.parametrize(
    ("header", "long", "short"),
    [
        ("", "identity", "identity"),
        ("gzip", "gzip", "identity"),
        ("x-gzip", "gzip", "identity"),
        ("GZIP;Q=1.0", "gzip", "identity"),
        ("gzip, deflate, br, zstd", "zstd", "identity"),
        ("gzip;q=1.0, zstd;q=0.5", "gzip", "identity"),
        ("zstd;q=0.001,gzip;q=0", "zstd", "identity"),
        ("gzip;q=0", "identity", "identity"),
        ("br", "identity", "identity"),
        ("*", "zstd", "identity"),
        ("*;q=0.5, gzip", "gzip", "identity"),
        ("zstd;q=0, *", "gzip", "identity"),
        ("identity, gzip;q=0.5", "identity", "identity"),
        ("identity;q=0.5, gzip;q=1.0", "gzip", "identity"),
        ("identity;q=0, gzip", "gzip", "gzip"),
        ("gzip, *;q=0", "gzip", "gzip"),
        ("identity;q=0", "identity", "identity"),
        ("*;q=0", "identity", "identity"),
        ("gzip;q=2", "identity", "identity"),
        ("gzip;q=nan, zstd;level=3", "identity", "identity"),
        (" gzip ; q=0.8 , , zstd ; q=0.7", "gzip", "identity"),
    ],
)
def test_the_coding_that_a_client_likes_best(header: str, long: str, short: str) -> None:
    assert choose(header.encode()) == Choice(Coding(long), Coding(short))


@given(st.binary(max_size=60) | st.text("gzipstd;q=01.,* ", max_size=60).map(str.encode))
def test_any_header_gets_a_coding_that_it_names(header: bytes) -> None:
    choice = choose(header)
    for coding in {choice.long, choice.short} - {Coding.IDENTITY}:
        assert coding.encode() in header.lower() or b"*" in header


async def test_a_client_that_has_a_coding_is_told_so_only_for_that_coding() -> None:
    async with served(loaded_app()) as one:

        async def get(coding: str, etags: str = "") -> httpx.Response:
            headers = {"Accept-Encoding": coding, "If-None-Match": etags}
            return await one.client.get("/v1/sites", headers=headers)

        gzipped, plain = (await get("gzip")).headers["etag"], (await get("")).headers["etag"]
        for coding, etags, status in (
            ("gzip", gzipped, 304),
            ("gzip", f"W/{gzipped}", 304),
            ("gzip", f"{plain}, {gzipped}", 304),
            ("gzip", plain, 200),
            ("", gzipped, 200),
            ("", plain, 304),
            ("zstd", f"{plain}, {gzipped}", 200),
        ):
            response = await get(coding, etags)
            assert response.status_code == status, (coding, etags)
            assert response.headers["vary"] == "Accept-Encoding"
            if status == 304:
                assert response.headers["etag"] == etags.split(", ")[-1].removeprefix("W/")


def test_each_coding_holds_the_same_body() -> None:
    answer = prepared(LONG)
    assert gzip.decompress(answer.accepted(b"gzip").body) == LONG
    assert zstd.decompress(answer.accepted(b"zstd").body) == LONG


def test_each_coding_is_an_answer_with_its_own_etag_length_and_the_same_vary() -> None:
    answer = prepared(LONG, vary="Accept")
    forms = [answer, answer.accepted(b"gzip"), answer.accepted(b"zstd")]
    assert len({form.etag for form in forms}) == 3
    for form in forms:
        headers = dict(form.headers)
        assert headers[b"etag"] == dict(form.validators)[b"etag"] == form.etag
        assert headers[b"content-length"] == str(len(form.body)).encode()
        assert dict(form.validators)[b"vary"] == b"Accept, Accept-Encoding"
        assert b"content-encoding" not in dict(form.validators)
    assert [dict(form.headers).get(b"content-encoding") for form in forms] == [None, b"gzip", b"zstd"]


def test_a_body_that_fits_a_packet_is_coded_only_for_who_refuses_it_plain() -> None:
    answer = prepared(SHORT)
    assert answer.accepted(b"gzip, zstd") is answer
    assert b"vary" not in dict(answer.headers)
    assert gzip.decompress(answer.accepted(b"gzip, identity;q=0").body) == SHORT
    assert prepared(b"x" * LEAST_BYTES).accepted(b"gzip").body[:2] == b"\x1f\x8b"


def test_a_body_is_coded_once_for_all_who_ask(view: LiveView, monkeypatch: pytest.MonkeyPatch) -> None:
    coded: list[Coding] = []

    def counting(coding: Coding) -> bytes:
        coded.append(coding)
        return b"coded"

    encoders = {coding: lambda _, coding=coding: counting(coding) for coding in ENCODERS}
    monkeypatch.setattr(prepared_module, "ENCODERS", encoders)
    view.replace(everything(*(street("vvo", site=f"s{n}") for n in range(10)), confirmed_s_ago=0))
    answers = Answers(view, SignRules())

    def ask() -> list[Prepared]:
        return [answers.sites().accepted(header) for header in (b"gzip", b"zstd", b"gzip", b"zstd, gzip")]

    ask()
    assert sorted(coded) == [Coding.GZIP, Coding.ZSTD]
    view.confirm(everything(confirmed_s_ago=0).confirmation)
    ask()
    assert len(coded) == 4
