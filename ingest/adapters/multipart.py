"""The one part of a multipart body that holds a message; images are stepped over and never copied."""

import re
from typing import Final

from parking.errors import Rejection

MAX_PARTS: Final = 16
MAX_HEADERS: Final = 4096
"""Most bytes of one part's headers."""

_BOUNDARY: Final = re.compile(r'boundary\s*=\s*(?:"([\x20-\x7e]{1,70})"|([^\s;"]{1,70}))', re.IGNORECASE)
_FIRST_LINE: Final = re.compile(rb"\s{0,8}--([\x21-\x7e][\x20-\x7e]{0,69}?)[ \t]*\r?\n")
_HEADERS_END: Final = re.compile(rb"\r?\n\r?\n")
_IMAGE: Final = re.compile(
    rb"content-type:[ \t]*(?:image|video|audio)/|filename=\"?[^\"\r\n]*\.(?:jpe?g|png|bmp)", re.I
)
_MESSAGE: Final = re.compile(rb"(?:\xef\xbb\xbf)?\s*[{<]")


def is_multipart(body: bytes, content_type: str | None) -> bool:
    """Whether a body consists of parts, by its content type or, where it has none, by its first line."""
    if content_type is not None and content_type.strip().lower().startswith("multipart/"):
        return True
    return _FIRST_LINE.match(body) is not None


def message(body: bytes, content_type: str | None) -> bytes:
    """The JSON or XML among the parts; raises Rejection if there is not exactly one."""
    boundary = b"--" + _boundary(body, content_type)
    found = [part for part in _parts(body, boundary) if part is not None]
    if len(found) != 1:
        raise Rejection(
            "invalid_multipart", f"{len(found)} of the parts are JSON or XML, exactly one is needed"
        )
    start, end = found[0]
    return body[start:end]


def _boundary(body: bytes, content_type: str | None) -> bytes:
    named = _BOUNDARY.search(content_type or "")
    if named:
        return (named[1] or named[2]).encode("ascii", "replace")
    first = _FIRST_LINE.match(body)
    if first is None:
        raise Rejection("invalid_multipart", "no boundary is named, nor does the body begin with one")
    return first[1]


def _parts(body: bytes, boundary: bytes) -> list[tuple[int, int] | None]:
    """Start and end of each part's message, None for a part that holds none."""
    parts: list[tuple[int, int] | None] = []
    start = body.find(boundary)
    while start >= 0 and not body.startswith(b"--", start + len(boundary)):
        end = body.find(b"\n" + boundary, start + len(boundary))
        if end < 0:
            raise Rejection("invalid_multipart", "the last boundary is missing")
        if len(parts) == MAX_PARTS:
            raise Rejection("invalid_multipart", f"more than {MAX_PARTS} parts")
        parts.append(_content(body, start + len(boundary), end))
        start = end + 1
    return parts


def _content(body: bytes, start: int, end: int) -> tuple[int, int] | None:
    headers = _HEADERS_END.search(body, start, min(end, start + MAX_HEADERS))
    if headers is None:
        raise Rejection("invalid_multipart", f"a part's headers do not end within {MAX_HEADERS} bytes")
    if _IMAGE.search(body, start, headers.start()) or not _MESSAGE.match(body, headers.end(), end):
        return None
    return headers.end(), end
