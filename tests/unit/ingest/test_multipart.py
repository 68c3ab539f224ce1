"""The message among the parts of a form."""

import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.adapters import multipart
from parking.errors import Rejection
from tests.support.cameras import form

TYPE = "multipart/form-data; boundary=b0"
JSON = ('Content-Disposition: form-data; name="event"', b'{"a": 1}')
XML = (
    'Content-Disposition: form-data; name="anpr.xml"; filename="anpr.xml"\r\nContent-Type: text/xml',
    b"<a/>",
)
TEXT = ('Content-Disposition: form-data; name="note"', b"words")
IMAGE = (
    'Content-Disposition: form-data; name="x"\r\nContent-Type: image/pjpeg',
    b"{\xff\xd8\r\n--not\r\n\xff\xd9",
)
NAMED_IMAGE = ('Content-Disposition: form-data; name="x"; filename="a.JPG"', b"<\xff\xd8>")


@pytest.mark.parametrize(("part", "content"), [(JSON, JSON[1]), (XML, XML[1])])
@pytest.mark.parametrize("content_type", [TYPE, 'Multipart/Form-Data; x=y; boundary="b0"', None])
def test_the_message_is_found_among_images_and_texts(
    part: tuple[str, bytes], content: bytes, content_type: str | None
) -> None:
    for parts in ((part,), (IMAGE, part), (TEXT, NAMED_IMAGE, part, IMAGE)):
        body = form(*parts)
        assert multipart.is_multipart(body, content_type)
        assert multipart.message(body, content_type).strip() == content


def test_bare_line_feeds_will_do() -> None:
    body = form(XML, IMAGE).replace(b"\r\n", b"\n")
    assert multipart.message(body, TYPE).strip() == XML[1]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (form(IMAGE, TEXT), "0 of the parts"),
        (form(JSON, XML), "2 of the parts"),
        (form(JSON)[:-8], "last boundary"),
        (b"", "0 of the parts"),
        (form(*[TEXT] * 17), "more than 16 parts"),
        (form(("X: " + "y" * 5000, b"{}")), "headers do not end"),
        (b"--b0\r\nno headers end\r\n--b0--", "headers do not end"),
    ],
)
def test_anything_else_is_rejected(body: bytes, reason: str) -> None:
    with pytest.raises(Rejection, match=reason) as caught:
        multipart.message(body, TYPE)
    assert caught.value.code == "invalid_multipart"


def test_a_type_without_a_boundary_takes_the_bodys_own() -> None:
    assert multipart.message(form(JSON), "multipart/form-data").strip() == JSON[1]
    with pytest.raises(Rejection, match="no boundary"):
        multipart.message(b"{}", "multipart/form-data")


@pytest.mark.parametrize("body", [b"{}", b"<a/>", b"", b"--", b"--\r\n"])
def test_a_message_alone_is_no_form(body: bytes) -> None:
    assert not multipart.is_multipart(body, None)
    assert not multipart.is_multipart(body, "application/json")


def test_images_are_not_copied() -> None:
    image = (IMAGE[0], b"\xff\xd8" + bytes(3_000_000))
    body = form(image, JSON)
    tracemalloc.start()
    try:
        assert multipart.message(body, TYPE).strip() == JSON[1]
        assert tracemalloc.get_traced_memory()[1] < 100_000
    finally:
        tracemalloc.stop()


@given(st.binary(max_size=100), st.sampled_from([TYPE, None, "multipart/mixed", 'multipart/x; boundary=""']))
def test_any_bytes_give_a_message_or_a_rejection(noise: bytes, content_type: str | None) -> None:
    for body in (noise, form(("X: y", noise)), form(JSON)[: len(noise)] + noise):
        outcome: object
        try:
            outcome = multipart.message(body, content_type) in body
        except Rejection as rejection:
            outcome = rejection.code == "invalid_multipart"
        assert outcome
