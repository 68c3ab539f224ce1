"""The rules of sensor health on bays whose fault is known, one rule at a time."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from parking.health.judge import judge
from parking.health.model import DAY_S, DAYS, OCCUPIED, VACANT, WEEK_H, Bays, Finding, Rule

NOW = 1_772_625_600.0
ILL = 7
"""The bay of which a test says something."""
FLOATS = {
    "heartbeat_s": 900.0,
    "assigned_at": -np.inf,
    "since": NOW - 1800,
    "seen_at": NOW - 300,
    "battery_v": 3.6,
    "battery_pct": np.nan,
    "empty_at": np.nan,
    "said_heartbeat_s": np.nan,
    "health_at": np.nan,
    "flap_s": 0.0,
    "first_at": NOW - 6.9 * DAY_S,
    "occupied_s": 3.5 * DAY_S,
}


def street(size: int = 20, **ill: Any) -> Bays:
    """A street of sound bays, each with ten changes a day; `ill` is what is otherwise of one bay."""
    columns: dict[str, Any] = {name: np.full(size, value) for name, value in FLOATS.items()}
    columns |= {
        "category": np.zeros(size, dtype=np.int64),
        "reported": np.full(size, VACANT),
        "fault": np.zeros(size, dtype=np.bool_),
        "battery_low": np.zeros(size, dtype=np.bool_),
        "changes": np.full((size, DAYS), 10),
        "flaps": np.zeros(size, dtype=np.int64),
        "runs": np.full(size, 10),
        "flaps_3d": np.zeros(size, dtype=np.int64),
        "runs_3d": np.full(size, 30),
        "health": [None] * size,
    }
    for name, value in ill.items():
        columns[name][ILL] = value
    ids = [f"{number:03}" for number in range(size)]
    return Bays(bay=ids, site=["street"] * size, device=[f"d{id}" for id in ids], **columns)


def the(findings: list[Finding]) -> Finding:
    """The only finding, which is about the ill bay."""
    (found,) = findings
    assert (found.bay, found.device, found.site) == (f"{ILL:03}", f"d{ILL:03}", "street")
    assert 0 <= found.lost_h <= WEEK_H
    return found


def test_a_sound_street_has_no_findings() -> None:
    assert judge(street(), NOW) == []
    assert judge(street(0), NOW) == []


@pytest.mark.parametrize(
    ("rule", "ill", "lost_h"),
    [
        (Rule.SILENT, {"seen_at": NOW - 2.5 * 900 - 1}, WEEK_H),
        (Rule.SILENT, {"seen_at": np.nan, "since": np.nan, "first_at": np.nan}, WEEK_H),
        (Rule.FAULT, {"fault": True, "reported": 2}, WEEK_H),
        (Rule.LOW_BATTERY, {"battery_v": 2.9}, 0.0),
        (Rule.LOW_BATTERY, {"battery_pct": 19.0}, 0.0),
        (Rule.LOW_BATTERY, {"battery_low": True}, 0.0),
        (Rule.LOW_BATTERY, {"empty_at": NOW + 29 * DAY_S}, 0.0),
        (Rule.LOW_BATTERY, {"empty_at": NOW}, WEEK_H),
        (Rule.FLAPPING, {"flaps": 30, "runs": 40, "flap_s": DAY_S / 2}, WEEK_H / 2),
        (Rule.OTHER_HEARTBEAT, {"said_heartbeat_s": 3600.0}, 0.0),
        (Rule.LEARNING, {"assigned_at": NOW - 2 * DAY_S}, 0.0),
        (Rule.LEARNING, {"health": "calibrating", "health_at": NOW - 60}, 0.0),
        (Rule.STUCK_VACANT, {"since": NOW - 2 * DAY_S}, WEEK_H * 3.5 / 6.9),
        (Rule.STUCK_OCCUPIED, {"since": NOW - 2 * DAY_S, "reported": OCCUPIED}, WEEK_H * 3.4 / 6.9),
        (Rule.DISAGREES, {"occupied_s": 0.3 * DAY_S}, WEEK_H * 3.2 / 6.9),
        (Rule.DISAGREES, {"occupied_s": 6.8 * DAY_S}, WEEK_H * 3.3 / 6.9),
        (Rule.DISAGREES, {"changes": 2, "occupied_s": 2.0 * DAY_S}, WEEK_H * 1.5 / 6.9),
    ],
)
def test_each_fault_is_found_by_its_rule_alone(rule: Rule, ill: dict[str, Any], lost_h: float) -> None:
    found = the(judge(street(**ill), NOW))
    assert found.rule is rule
    assert found.lost_h == pytest.approx(lost_h, abs=0.1)
    assert found.reason


@pytest.mark.parametrize(
    "ill",
    [
        {"seen_at": NOW - 2.5 * 900},
        {"seen_at": np.nan, "assigned_at": NOW - 60, "since": np.nan, "first_at": np.nan},
        {"battery_v": 3.01, "battery_pct": 21.0, "empty_at": NOW + 31 * DAY_S},
        {"battery_v": np.nan},
        {"flaps": 7, "runs": 7},
        {"flaps_3d": 7, "runs_3d": 7},
        {"flaps_3d": 8, "runs_3d": 21},
        {"flaps": 30, "runs": 300},
        {"said_heartbeat_s": 900.0},
        {"health": "calibrating", "health_at": NOW - 2 * DAY_S},
        {"since": NOW - 0.9 * DAY_S},
    ],
)
def test_what_is_on_the_sound_side_of_a_limit_is_no_finding(ill: dict[str, Any]) -> None:
    assert judge(street(**ill), NOW) == []


def test_a_quiet_weekend_is_no_fault() -> None:
    bays = street(since=NOW - 2 * DAY_S)
    bays.changes[:, :2] = 1
    assert judge(bays, NOW) == []


def test_a_bay_that_was_always_quiet_is_not_stuck() -> None:
    bays = street(since=NOW - 1.5 * DAY_S, changes=[0, 0, 1, 1, 1, 1, 1])
    assert [finding.rule for finding in judge(bays, NOW)] == []


def test_a_device_that_is_silent_or_new_is_not_judged_by_its_use() -> None:
    silent = street(since=NOW - 3 * DAY_S, seen_at=NOW - DAY_S)
    new = street(since=NOW - 3 * DAY_S, assigned_at=NOW - 2 * DAY_S)
    assert [f.rule for f in judge(silent, NOW)] == [Rule.SILENT]
    assert [f.rule for f in judge(new, NOW)] == [Rule.LEARNING]


def test_without_neighbours_only_the_bay_s_own_life_counts() -> None:
    alone = street(8, since=NOW - 2 * DAY_S)
    alone.category[:] = np.arange(8)
    assert the(judge(alone, NOW)).rule is Rule.STUCK_VACANT
    alone.first_at[ILL] = alone.since[ILL]
    assert judge(alone, NOW) == []


@given(bad=st.sets(st.integers(0, 19), max_size=4))
def test_a_few_bad_neighbours_do_not_make_a_sound_bay_bad(bad: set[int]) -> None:
    bays = street()
    for row in bad:
        bays.occupied_s[row] = 6.9 * DAY_S
    found = {finding.bay for finding in judge(bays, NOW)}
    assert found == {f"{row:03}" for row in bad}


@given(
    st.lists(
        st.tuples(
            st.sampled_from(sorted(FLOATS)),
            st.sampled_from([np.nan, -np.inf, 0.0, 1.0, NOW - 5 * DAY_S, NOW, NOW + DAY_S]),
            st.integers(0, 9),
        ),
        max_size=30,
    )
)
def test_whatever_is_not_known_the_rules_have_an_answer(holes: list[tuple[str, float, int]]) -> None:
    bays = street(10)
    for name, value, row in holes:
        if not (value == -np.inf and name != "assigned_at"):
            getattr(bays, name)[row] = value
    for finding in judge(bays, NOW):
        assert 0 <= finding.lost_h <= WEEK_H
