"""What the controller of a sign does: asks, shows, and blanks itself. Time is told to it, in seconds."""

from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Annotated

import msgspec
from msgspec import Meta

MOST_BYTES = 65_536
RETRY_S = 5.0
"""After a failure it asks again so soon, or as soon as it would have asked anyway."""


class Answer(msgspec.Struct, frozen=True):
    """What a controller needs of `GET /v1/signs/{id}`; it reads past anything else."""

    text: str
    valid_until: Annotated[datetime, Meta(tz=True)]
    poll_after_s: Annotated[float, Meta(ge=0.1, le=3600)]
    revision: int
    reason: str


@dataclass(frozen=True, slots=True)
class Frame:
    """What is on the sign: nothing, if `text` is empty. `reason` is for whoever stands behind it."""

    text: str
    reason: str
    revision: int | None = None


class Controller:
    """Holds the last answer for as long as it is valid, by a clock that nobody can set.

    How long that is, is the difference of two times of the server (`valid_until` and the header `Date`), so
    that the controller's own clock may be wrong.
    """

    def __init__(self) -> None:
        self.etag: str | None = None
        self._answer: Answer | None = None
        self._ends = 0.0
        self._trouble = "it has not been answered yet"

    def answered(self, body: bytes, *, etag: str | None, date: str | None, asked: float) -> float:
        """Show an answer to what was asked at `asked`; in how many seconds to ask again.

        Raises ValueError if it is none.
        """
        try:
            answer = msgspec.json.decode(body[:MOST_BYTES], type=Answer)
            served_at = parsedate_to_datetime(date or "")
            valid_s = (answer.valid_until - served_at).total_seconds()
        except (msgspec.DecodeError, TypeError, ValueError) as error:
            raise ValueError(f"this is no answer about a sign: {error}") from error
        self.etag, self._answer = etag, answer
        # Counted from when it was asked: on a slow line an answer is old when it comes.
        self._ends = asked + valid_s
        return answer.poll_after_s

    def unchanged(self) -> float:
        """The answer that it has is still right, until when it said; in how many seconds to ask again."""
        return RETRY_S if self._answer is None else self._answer.poll_after_s

    def gone(self, reason: str) -> float:
        """There is no such sign: blank at once."""
        self._answer, self.etag, self._trouble = None, None, reason
        return RETRY_S

    def failed(self, reason: str) -> float:
        """No answer; what it shows stays until it ends. In how many seconds to ask again."""
        self._trouble = reason
        return RETRY_S if self._answer is None else min(RETRY_S, self._answer.poll_after_s)

    def frame(self, now: float) -> Frame:
        """What it shows at this time."""
        if self._answer is None:
            return Frame("", self._trouble)
        if now >= self._ends:
            self.etag = None
            return Frame("", f"the last answer is valid no more, and there is no other: {self._trouble}")
        return Frame(self._answer.text, self._answer.reason, self._answer.revision)

    def ends_in(self, now: float) -> float | None:
        """In how many seconds it blanks itself unless it hears something; None while it is blank."""
        return None if self._answer is None or now >= self._ends else self._ends - now
