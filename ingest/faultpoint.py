"""Points at which a test can make the ingestor die, to see that a kill there costs nothing."""

import os
import signal

from parking.settings import FAULT_POINTS

BEFORE_COMMIT, AFTER_COMMIT, HALF_ACKNOWLEDGED, AFTER_ACKNOWLEDGE = FAULT_POINTS


class FaultPoint:
    """Armed by `PARKING_FAULT_POINT=NAME[:N]`; never otherwise."""

    def __init__(self, armed: str | None) -> None:
        name, _, turn = (armed or "").partition(":")
        self._name = name
        self._left = int(turn or 1)

    def armed(self, name: str) -> bool:
        """Whether this is the point that was chosen."""
        return self._name == name

    def reach(self, name: str) -> None:
        """Die here by SIGKILL if this is the chosen point, for the chosen time."""
        if self._name == name:
            self._left -= 1
            if self._left <= 0:
                os.kill(os.getpid(), signal.SIGKILL)
