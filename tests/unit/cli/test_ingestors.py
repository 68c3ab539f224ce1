"""What the doctor makes of an ingestor's report."""

from dataclasses import replace

import pytest

from cli.ingestors import judge_ingestors
from parking.db.ingestors import Report

IDLE = Report(
    ingestor="one",
    current=True,
    broker="b:1883",
    waiting=0,
    behind_s=0,
    trouble=None,
    started_s=90_000,
    reported_s=1,
    confirmed_s=1,
    heard_s=600,
    stored_s=600,
)


@pytest.mark.parametrize(
    ("report", "ok", "says"),
    [
        (IDLE, True, "is current, and idle: connected, and no message came for 10 min"),
        (replace(IDLE, heard_s=None, stored_s=None), True, "no message came for 25 h"),
        (replace(IDLE, heard_s=2, stored_s=2), True, "is current; a device was last heard 5 s ago"),
        (replace(IDLE, waiting=2000, stored_s=45), False, "is stuck: 2000 messages wait, and none was"),
        (replace(IDLE, waiting=9, stored_s=1, behind_s=300), False, "works off a backlog since 5 min"),
        (replace(IDLE, trouble="no space left"), False, "cannot store: no space left; 0 messages wait"),
        (replace(IDLE, broker="", current=False), False, "is cut off from the broker"),
        (replace(IDLE, current=False), None, "has just started"),
        (replace(IDLE, reported_s=70), False, "has not reported for 70 s"),
    ],
)
def test_a_stuck_ingestor_is_told_from_an_idle_one(report: Report, ok: bool | None, says: str) -> None:
    (finding,) = judge_ingestors([report], 5)
    assert finding.ok is ok
    assert says in finding.says


def test_one_that_is_gone_for_good_is_named_with_what_to_do_about_its_last_word() -> None:
    (finding,) = judge_ingestors([replace(IDLE, reported_s=90_000)], None)
    assert "DELETE FROM ingest_status WHERE ingestor = 'one'" in str(finding.do)


def test_without_any_one_has_to_be_started() -> None:
    (finding,) = judge_ingestors([], None)
    assert finding.ok is False
