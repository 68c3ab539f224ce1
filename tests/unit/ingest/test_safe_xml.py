"""XML from strangers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.adapters import safe_xml
from parking.errors import Rejection

BILLION = (
    b"""<!DOCTYPE a [<!ENTITY x "xxxxxxxxxx"><!ENTITY y "&x;&x;&x;&x;&x;&x;&x;&x;">]><a><b>&y;</b></a>"""
)
EXTERNAL = b"""<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a><b>&x;</b></a>"""
PARAMETER = b"""<!DOCTYPE a [<!ENTITY % x SYSTEM "http://127.0.0.1/x"> %x;]><a><b>1</b></a>"""


def read(payload: bytes) -> safe_xml.Document:
    return safe_xml.parse(payload, {"b", "c"})


@pytest.mark.parametrize(
    "payload",
    [
        b"<a><b> 1 </b></a>",
        b'<a xmlns="urn:x"><b>1</b></a>',
        b'<n:a xmlns:n="urn:x"><n:b>1</n:b></n:a>',
        b'\xef\xbb\xbf<?xml version="1.0" encoding="UTF-8"?><a><!-- b --><b>1</b></a>',
        b"<a><b><![CDATA[1]]></b></a>",
        b"<a><b>&#49;</b></a>",
        "<a><b>1</b></a>".encode("utf-16"),
        b'<?xml version="1.0" encoding="ISO-8859-1"?><a><d>\xe4</d><b>1</b></a>',
    ],
)
def test_texts_are_found_by_their_local_names(payload: bytes) -> None:
    document = read(payload)
    assert (document.root, document.first("b"), document.first("a", "b")) == ("a", "1", "1")
    assert document.first("c") is document.first("c", "b") is None


def test_the_place_tells_two_elements_of_one_name_apart() -> None:
    document = read(b"<a><d><b>1</b></d><c><b>2</b></c></a>")
    assert (document.first("c", "b"), document.first("d", "b"), document.first("b")) == ("2", "1", "1")


def test_the_roots_attributes_are_kept() -> None:
    assert read(b'<a plate="J77 ABC"/>').attributes == {"plate": "J77 ABC"}


@pytest.mark.parametrize("payload", [BILLION, EXTERNAL, PARAMETER, b"<!DOCTYPE a><a/>"])
def test_a_document_type_is_refused(payload: bytes) -> None:
    with pytest.raises(Rejection, match="declaration is not allowed"):
        read(payload)


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"<",
        b"<a>",
        b"<a></b>",
        b"<a>&x;</a>",
        b'<?xml version="1.0" encoding="nonsense"?><a/>',
        b'<?xml version="1.0" encoding="utf-7"?><a>J77 ABC</a>',
        b"<a>" * 20 + b"</a>" * 20,
        b"<a>" + b"<b/>" * 3000 + b"</a>",
        b"<a><b>" + b"J77 ABC" * 100 + b"</b></a>",
        b"<a><b>\xff</b></a>",
    ],
)
def test_what_is_not_well_formed_or_too_much_is_rejected(payload: bytes) -> None:
    with pytest.raises(Rejection) as caught:
        read(payload)
    assert caught.value.code == "invalid_xml"
    assert "J77" not in str(caught.value)


def test_an_image_is_passed_over_whatever_its_size() -> None:
    assert read(b"<a><image>" + b"/9j/" * 500_000 + b"</image><b>1</b></a>").first("b") == "1"


@given(st.binary(max_size=200) | st.text(alphabet='<>/ab&;!"=x ', max_size=80).map(str.encode))
def test_any_bytes_give_a_document_or_a_rejection(payload: bytes) -> None:
    outcome: object
    try:
        outcome = read(payload).root
    except Rejection as rejection:
        outcome = rejection.code == "invalid_xml"
    assert outcome
