"""What happens to messages between their sender and the broker: lost, held up, delivered twice."""

import math

import numpy as np

from sensors_sim.faults import Faults
from sensors_sim.outgoing import Outgoing

_STREAM = 60
LATE_S = (1.0, 15.0, 300.0)
"""Least, typical and longest delay of a late message, seconds."""
COPY_S = 20.0
"""The second copy of a message comes at most so much after the first."""


class Way:
    """Decides by the rates of `faults` and the seed, for one message after the other."""

    def __init__(self, faults: Faults, *, seed: int) -> None:
        self._faults = faults
        self._perfect = not (faults.lost or faults.late or faults.duplicate)
        self._rng = np.random.default_rng([seed, _STREAM])

    def copies(self, message: Outgoing, now: float) -> list[tuple[float, Outgoing]]:
        """Each copy that arrives, and how long it is held up; none if the message is lost.

        What is held up or doubled has left its sender: its bytes are those of `now`.
        """
        if self._perfect:
            return [(0.0, message)]
        lost, late, twice, delay, copy_delay = self._rng.random(5).tolist()
        if lost < self._faults.lost:
            return []
        marks = ("late",) * (late < self._faults.late) + ("duplicate",) * (twice < self._faults.duplicate)
        if not marks:
            return [(0.0, message)]
        wait = _late_by(delay) if "late" in marks else 0.0
        found = [(wait, message.frozen(now, faults=marks))]
        if "duplicate" in marks:
            # Half of the copies come at once, the others later.
            more = max(0.0, copy_delay - 0.5) * 2 * COPY_S
            found.append((wait + more, message.frozen(now, faults=marks, copy=1)))
        return found


def _late_by(chance: float) -> float:
    """A delay from a uniform number: log-logistic, so mostly short and now and then very long."""
    least, typical, longest = LATE_S
    odds = chance / max(1e-9, 1 - chance)
    return min(least + typical * math.pow(odds, 0.6), longest)
