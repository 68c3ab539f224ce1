"""Which verified frames are new: the replay windows of SPEC [A-5] over a batch. Pure.

Theory of operation. By SPEC [A-3] a counter is used for one frame, so (device, key, counter) is its identity,
and a used counter is the same frame again: MQTT delivered it twice, or somebody recorded it. Either way it
changes nothing. A batch is judged by counter, not by arrival, so that how messages fell into a batch does not
decide which of them are too old.

The windows are stored in the transaction of the events. Memory holds what the last commit said; a transaction
that finds another window in the database is tried again with what is there.
"""

from collections.abc import Mapping, Sequence
from enum import Enum
from typing import NamedTuple

from firmware_protocol.window import Window

WindowKey = tuple[str, int]
"""A device and the print of its key: a number that comes again with another secret begins anew."""


class Seal(NamedTuple):
    """What a verified frame says of itself: whose it is, under which key, and its counter."""

    device: str
    key: int
    secret_print: int
    counter: int

    @property
    def window(self) -> WindowKey:
        """The window that it belongs to."""
        return self.device, self.secret_print


class Verdict(Enum):
    """What the windows say of a counter."""

    NEW = "new"
    USED = "used"
    BEHIND = "behind"


class Judged(NamedTuple):
    """A verdict for each seal, in their order, and the windows that hold once what is new is stored."""

    verdicts: list[Verdict]
    windows: dict[WindowKey, Window]


UNUSED = Window()


def judge(seals: Sequence[Seal], windows: Mapping[WindowKey, Window]) -> Judged:
    """Judge verified frames together; `windows` stay as they are."""
    verdicts = [Verdict.NEW] * len(seals)
    changed: dict[WindowKey, Window] = {}
    for place in sorted(range(len(seals)), key=lambda place: seals[place].counter):
        seal = seals[place]
        key = seal.window
        window = changed.get(key) or windows.get(key) or UNUSED
        if window.is_behind(seal.counter):
            verdicts[place] = Verdict.BEHIND
        elif window.is_used(seal.counter):
            verdicts[place] = Verdict.USED
        else:
            changed[key] = window.after(seal.counter)
    return Judged(verdicts, changed)
