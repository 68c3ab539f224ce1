"""What `parking doctor` makes of the ingestors' own reports: idle, busy, behind, stuck, cut off or gone."""

from collections.abc import Sequence

from cli.finding import Finding
from parking.db.ingestors import Report

START = "Start one: parking ingest"
REPORTED_S = 10.0
"""An ingestor reports every two seconds; one that has not for this long is gone, or the database is slow."""
BEHIND_S = 5.0
STUCK_S = 30.0
"""Messages wait, and none has been stored for this long."""
GONE_S = 3600.0


def judge_ingestors(reports: Sequence[Report], device_heard_s: float | None) -> list[Finding]:
    """One finding for each ingestor; `device_heard_s` is how long ago any device was heard."""
    if not reports:
        return [Finding("ingestor", False, "none is running", START)]
    return [_judge(report, device_heard_s) for report in reports]


def _judge(report: Report, device_heard_s: float | None) -> Finding:
    subject = f"ingestor {report.ingestor}"
    if report.reported_s > REPORTED_S:
        return _silent(subject, report)
    if report.trouble:
        says = f"cannot store: {report.trouble}; {report.waiting} messages wait"
        return Finding(subject, False, says, "Mend the database; the ingestor tries again by itself.")
    if not report.broker:
        do = "Check the broker; the ingestor connects again by itself. Its log says why it was refused."
        return Finding(subject, False, "is cut off from the broker", do)
    stored_s = report.started_s if report.stored_s is None else report.stored_s
    if report.waiting and stored_s > STUCK_S:
        says = f"is stuck: {report.waiting} messages wait, and none was stored for {_ago(stored_s)}"
        return Finding(subject, False, says, "Look for locks and long transactions in pg_stat_activity.")
    if report.behind_s > BEHIND_S:
        says = f"works off a backlog since {_ago(report.behind_s)}; {report.waiting} messages wait here"
        return Finding(subject, False, says, "Wait; if it lasts, share the work: PARKING_INGEST_SHARD.")
    if not report.current:
        return Finding(subject, None, "has just started, or has just caught up", "Look again in 10 s.")
    return _current(subject, report, device_heard_s)


def _silent(subject: str, report: Report) -> Finding:
    says = f"has not reported for {_ago(report.reported_s)}"
    do = f"It is down, or cut off from the database: read its log. {START}"
    if report.reported_s > GONE_S:
        do += (
            f" If it is gone for good, its last word keeps every number stale: DELETE FROM ingest_status"
            f" WHERE ingestor = '{report.ingestor}'"
        )
    return Finding(subject, False, says, do)


def _current(subject: str, report: Report, device_heard_s: float | None) -> Finding:
    heard = "no device heard yet"
    if device_heard_s is not None:
        heard = f"a device was last heard {_ago(device_heard_s)} ago"
    if report.heard_s is None or report.heard_s > STUCK_S:
        since = report.started_s if report.heard_s is None else report.heard_s
        return Finding(
            subject, True, f"is current, and idle: connected, and no message came for {_ago(since)}; {heard}"
        )
    return Finding(subject, True, f"is current; {heard}")


def _ago(seconds: float) -> str:
    """A span of time in a unit that people count in."""
    for unit, size in (("days", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"
