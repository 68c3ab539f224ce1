"""The maintenance list: grouped by site, the visit that mends most first, safe in a spreadsheet."""

import csv
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from parking.health.maintenance import DESK_RULES, HEADER, Fault, as_csv, plan_visits
from parking.health.model import WEEK_H, Rule

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)


def fault(
    bay: str, rule: Rule = Rule.SILENT, *, site: str = "street", lost_h: float = WEEK_H, name: str = "Street"
) -> Fault:
    """A fault of one bay's device."""
    return Fault(
        site=site,
        site_name=name,
        lon=None,
        lat=None,
        bay=bay,
        device=f"d-{bay}",
        rule=rule,
        severity="high",
        since=NOON,
        lost_h=lost_h,
        reason="not heard",
        evidence={},
        battery_empty_on=None,
        battery_forecast=None,
    )


def test_the_visit_that_mends_most_comes_first() -> None:
    planned = plan_visits(
        [
            fault("a1", site="a"),
            fault("b1", site="b"),
            fault("b2", site="b"),
            fault("c1", site="c", lost_h=1),
        ],
        as_of=NOON,
    )
    assert [(visit.site, visit.bays, visit.lost_h) for visit in planned.visits] == [
        ("b", 2, 336.0),
        ("a", 1, 168.0),
        ("c", 1, 1.0),
    ]


def test_a_bay_with_two_faults_is_wrong_no_more_than_all_the_time() -> None:
    (visit,) = plan_visits([fault("a1"), fault("a1", Rule.LOW_BATTERY)], as_of=NOON).visits
    assert (visit.bays, visit.lost_h, len(visit.faults)) == (1, WEEK_H, 2)


def test_what_no_visit_mends_is_listed_apart() -> None:
    planned = plan_visits([fault("a1", Rule.LEARNING), fault("a2", Rule.OTHER_HEARTBEAT)], as_of=None)
    assert planned.visits == ()
    assert {found.rule for found in planned.at_desk} == DESK_RULES


FAULTS = st.lists(
    st.builds(
        fault,
        st.sampled_from(["1", "2", "3"]),
        st.sampled_from(list(Rule)),
        site=st.sampled_from(["a", "b", "c"]),
        lost_h=st.floats(0, WEEK_H),
        name=st.text(max_size=10),
    )
)


@given(FAULTS)
def test_every_fault_is_listed_once_in_both_forms(faults: list[Fault]) -> None:
    planned = plan_visits(faults, as_of=NOON)
    listed = [found for visit in planned.visits for found in visit.faults] + list(planned.at_desk)
    assert sorted(map(repr, listed)) == sorted(map(repr, faults))
    lost = [visit.lost_h for visit in planned.visits]
    assert lost == sorted(lost, reverse=True)
    lines = list(csv.reader(as_csv(planned).splitlines(keepends=True)))
    assert lines[0] == list(HEADER)
    assert len(lines) >= 1 + len(faults)


def test_a_name_that_a_spreadsheet_would_run_is_a_text() -> None:
    told = as_csv(plan_visits([fault("a1", name='=HYPERLINK("http://x")')], as_of=NOON))
    assert "\"'=HYPERLINK(" in told
