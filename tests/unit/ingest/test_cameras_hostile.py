"""Whatever comes from a camera gives reads, a reason to ignore it or a rejection, and tells no plate."""

import json
import string
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.adapters import cameras
from ingest.adapters.base import Ignored
from parking.errors import Rejection
from parking.model import PlateRead
from parking.plates import fold
from tests.support import cameras as sent

ARRIVAL = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
CONTENT_TYPES = st.sampled_from(
    [None, "application/json", "text/xml", "multipart/form-data; boundary=b0", "multipart/mixed", "\xff;="]
)
HINTS = st.none() | st.sampled_from(sorted(cameras.VENDORS)) | st.text(max_size=20)
MEMBERS = sorted({name for form in cameras.FORMATS for name in form.members})
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12) | st.just(sent.PLATE)
JSON: st.SearchStrategy[Any] = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(MEMBERS) | st.text(max_size=5), inner, max_size=6)
    ),
    max_leaves=16,
)
# Each holds the plate or what no vendor would write there.
BAD: tuple[Any, ...] = (
    *(
        None,
        True,
        [],
        {},
        "",
        -1,
        0,
        1e300,
        10**40,
        "1e999",
        "nan",
        "J77 ABC",
        "unknown",
        "\x00",
        "J77ABC" * 9,
    ),
    *(["J77 ABC"], {"J77 ABC": "J77 ABC"}, [["J77 ABC", "J77 ABC"]], [{"plate": "J77 ABC"}], "J77ABC-1"),
)


def outcome(body: bytes, **how: Any) -> tuple[PlateRead, ...] | Ignored | Rejection:
    try:
        found = cameras.read(body, received_at=ARRIVAL, **how)
    except Rejection as rejection:
        assert rejection.code  # noqa: PT017 - what is raised is looked at
        return rejection
    assert found
    return found


def told(found: tuple[PlateRead, ...] | Ignored | Rejection) -> str:
    """All that may be stored or logged of an outcome."""
    texts = [repr(found), str(found)]
    if isinstance(found, tuple):
        texts += [f"{read.event_id} {read.camera} {read!r} {read.event_at}" for read in found]
    return " ".join(texts)


def changed(value: Any) -> Iterator[Any]:
    """A message with each of its values in turn replaced by each of the bad ones."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from ({**value, name: other} for other in (*BAD, *changed(inner)))
            yield {other: content for other, content in value.items() if other != name}
    elif isinstance(value, list):
        for at, inner in enumerate(value):
            yield from ([*value[:at], other, *value[at + 1 :]] for other in changed(inner))


@given(st.binary(max_size=300), CONTENT_TYPES, HINTS)
def test_random_bytes(body: bytes, content_type: str | None, hint: str | None) -> None:
    outcome(body, content_type=content_type, hint=hint)


@given(JSON, CONTENT_TYPES, st.none() | st.just("cm-in-1"))
def test_random_json_with_the_vendors_members(
    value: Any, content_type: str | None, camera: str | None
) -> None:
    outcome(json.dumps(value).encode(), content_type=content_type, camera=camera)


@given(st.sampled_from(sorted(sent.BODIES)), st.data())
def test_damaged_messages(name: str, data: st.DataObject) -> None:
    body = sent.BODIES[name]
    at = data.draw(st.integers(0, len(body)))
    noise = data.draw(st.binary(max_size=6))
    outcome(body[:at] + noise + body[at + len(noise) :])
    outcome(body[:at] + noise)
    outcome(
        sent.form(("Content-Type: application/json", body))[:at] + noise,
        content_type="multipart/x; boundary=b0",
    )


@pytest.mark.parametrize("name", sent.OBJECTS)
def test_no_outcome_of_a_spoilt_object_tells_its_plate(name: str) -> None:
    rejected = 0
    for message in changed(sent.OBJECTS[name]):
        found = outcome(json.dumps(message).encode(), camera="cm-in-1")
        rejected += isinstance(found, Rejection)
        plain = "".join(c for c in told(found).upper() if c in string.ascii_uppercase + string.digits)
        assert "J77ABC" not in plain
        assert fold("J77ABC") not in fold(plain)
    assert rejected > 10


@pytest.mark.parametrize("name", sent.DOCUMENTS)
def test_no_outcome_of_a_spoilt_document_tells_its_plate(name: str) -> None:
    text, rejected = sent.DOCUMENTS[name], 0
    spans = [at for at, character in enumerate(text) if character in "<>\"'"]
    for at in spans:
        for bad in ("", "J77 ABC", "<J77ABC>", "&J77ABC;", "]]>", "\x01", "<!DOCTYPE J77ABC>"):
            found = outcome((text[:at] + bad + text[at + 1 :]).encode(), camera="cm-in-1")
            rejected += isinstance(found, Rejection)
            assert fold("J77ABC") not in fold(told(found))
    assert rejected > len(spans)
