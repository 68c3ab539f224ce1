"""A simulated city with sick devices: each rule finds most of them, and leaves the sound ones alone."""

from bench.health import run
from parking.health.model import Rule

SEEN_SOON = {Rule.SILENT, Rule.FAULT, Rule.OTHER_HEARTBEAT, Rule.LEARNING}
"""What the device says, or does not say, itself."""
BY_USE = {Rule.STUCK_OCCUPIED, Rule.STUCK_VACANT, Rule.DISAGREES}
"""What shows only where people come and go."""


async def test_sick_devices_are_found_and_sound_ones_are_not_accused(database_url: str) -> None:
    result = await run(database_url, seed=3, bays=120, sites=4, share=0.05)
    scores = {Rule(score.rule): score for score in result.scores}
    for rule in SEEN_SOON:
        assert (scores[rule].precision, scores[rule].recall) == (1.0, 1.0), rule
    for rule in (Rule.FLAPPING, Rule.LOW_BATTERY):
        assert min(scores[rule].precision, scores[rule].recall) >= 0.6, scores[rule]
    by_use = [scores[rule] for rule in BY_USE]
    sick, right = sum(score.sick for score in by_use), sum(score.right for score in by_use)
    assert sick >= 10
    assert right >= 0.4 * sick
    assert sum(score.ever_wrong for score in by_use) <= 3
    assert result.batteries.median_error_days <= 5
