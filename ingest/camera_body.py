"""The message in what a camera posts, taken as it comes in: of a form only the one part that is JSON or XML.

Pictures are passed over as they arrive and never held. All is bounded, whatever is sent.
"""

import re
from collections.abc import AsyncIterator
from typing import Final
from urllib.parse import parse_qsl

from python_multipart import MultipartParser
from python_multipart.exceptions import FormParserError

from ingest.adapters.cameras import MAX_BODY
from ingest.adapters.multipart import MAX_PARTS
from parking.errors import Rejection

MAX_POST: Final = 16 * 1024 * 1024
"""Most bytes of a form with its pictures."""
MAX_MESSAGE: Final = 1024 * 1024
"""Most bytes of the messages in a form."""
_FIELDS: Final = 50
_BOUNDARY: Final = re.compile(r'boundary="?([^";,\s]{1,200})', re.IGNORECASE)
_MESSAGE: Final = re.compile(rb"(?:\xef\xbb\xbf)?\s*[{\[<]|\xff\xfe<|\xfe\xff\0<")
_LINE: Final = 256


async def message_in(chunks: AsyncIterator[bytes], content_type: str) -> bytes:
    """The message in a request's body. Raises Rejection."""
    if content_type.lower().startswith("multipart/"):
        return await _of_form(chunks, content_type)
    body = await _whole(chunks)
    if content_type.lower().startswith("application/x-www-form-urlencoded") and not _MESSAGE.match(body):
        return _of_fields(body)
    return body


async def _whole(chunks: AsyncIterator[bytes]) -> bytes:
    body = bytearray()
    async for chunk in chunks:
        body += chunk
        if len(body) > MAX_BODY:
            raise Rejection("too_large", f"more than {MAX_BODY} bytes")
    return bytes(body)


def _of_fields(body: bytes) -> bytes:
    try:
        fields = parse_qsl(body.decode("utf-8"), max_num_fields=_FIELDS)
    except ValueError:
        raise Rejection("invalid_form", f"not a form in UTF-8 of at most {_FIELDS} fields") from None
    return _the_one([value.encode() for _, value in fields if _MESSAGE.match(value.encode())])


async def _of_form(chunks: AsyncIterator[bytes], content_type: str) -> bytes:
    named = _BOUNDARY.search(content_type)
    form = None if named is None else _Form(named[1].encode("latin-1", "replace"))
    begun, size = b"", 0
    async for chunk in chunks:
        size += len(chunk)
        if size > MAX_POST:
            raise Rejection("too_large", f"more than {MAX_POST} bytes")
        if form is None:  # the first line tells the boundary that the headers do not
            begun += chunk
            line, found, _ = begun.partition(b"\r\n")
            if not found and len(begun) <= _LINE:
                continue
            if not found or not line.startswith(b"--") or not 2 < len(line) <= _LINE:
                raise Rejection("invalid_multipart", "no boundary is named, nor does the body begin with one")
            form, chunk = _Form(line[2:]), begun
        form.write(chunk)
    if form is None or not form.ended:
        raise Rejection("invalid_multipart", "the last boundary is missing")
    return _the_one(form.messages)


def _the_one(messages: list[bytes]) -> bytes:
    if len(messages) != 1:
        raise Rejection(
            "invalid_multipart", f"{len(messages)} of the parts are JSON or XML, exactly one is needed"
        )
    return messages[0]


class _Form:
    """Gathers the parts of a form that are messages; steps over the others."""

    def __init__(self, boundary: bytes) -> None:
        self.messages: list[bytes] = []
        self.ended = False
        self._part = bytearray()
        self._wanted = True
        self._parts = 0
        self._size = 0
        self._parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._begin,
                "on_part_data": self._data,
                "on_part_end": self._close,
                "on_end": self._end,
            },
        )

    def write(self, chunk: bytes) -> None:
        """Take the next bytes. Raises Rejection."""
        try:
            self._parser.write(chunk)
        except FormParserError:
            raise Rejection("invalid_multipart", "the parts of the form cannot be told apart") from None

    def _begin(self) -> None:
        self._parts += 1
        if self._parts > MAX_PARTS:
            raise Rejection("invalid_multipart", f"more than {MAX_PARTS} parts")
        self._part, self._wanted = bytearray(), True

    def _data(self, data: bytes, start: int, end: int) -> None:
        if not self._wanted:
            return
        self._part += data[start:end]
        if len(self._part) >= _LINE and not _MESSAGE.match(self._part):
            self._part, self._wanted = bytearray(), False
            return
        if self._size + len(self._part) > MAX_MESSAGE:
            raise Rejection("too_large", f"a form with more than {MAX_MESSAGE} bytes of messages")

    def _close(self) -> None:
        if self._wanted and _MESSAGE.match(self._part):
            self.messages.append(bytes(self._part))
            self._size += len(self._part)
        self._part = bytearray()

    def _end(self) -> None:
        self.ended = True
