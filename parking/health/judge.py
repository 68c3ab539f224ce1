"""All rules on some sites' bays: what is wrong with which device."""

import numpy as np

from parking.health import alone, peers
from parking.health.model import Bays, Finding, Rule

_STUCK = (Rule.STUCK_OCCUPIED, Rule.STUCK_VACANT)


def judge(bays: Bays, now: float) -> list[Finding]:
    """Every finding. A device that is stuck is not told besides that it is at odds with its neighbours."""
    if not len(bays):
        return []
    with np.errstate(invalid="ignore"):  # comparing with what is not known is False, as it should be
        beside = peers.compare(bays, now)
        found = [
            finding
            for rule in (
                alone.silent,
                alone.faulty,
                alone.low_battery,
                alone.flapping,
                alone.other_heartbeat,
                alone.learning,
            )
            for finding in rule(bays, now)
        ]
        found += peers.stuck(bays, now, beside)
        stuck = {finding.device for finding in found if finding.rule in _STUCK}
        found += [odd for odd in peers.disagrees(bays, now, beside) if odd.device not in stuck]
    return found
