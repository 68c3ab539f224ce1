"""The rules that need nothing but the device: silent, faulty, low, flapping, set otherwise, learning."""

from datetime import UTC, datetime

import numpy as np

from parking.availability import TTL_HEARTBEATS
from parking.health.battery import LOW_PCT, LOW_V
from parking.health.model import DAY_S, WEEK_H, Bays, Bools, Finding, Rule, Severity, rows

SOON_DAYS = 30.0
"""A battery that is forecast to be empty within so many days is low."""
FLAPS, FLAP_SHARE = 8, 0.4
"""A device flaps of whose runs of a day, or of three days where little happens, so many, and such a share,
were too short to be true.
"""
LEARNING_S = 3 * DAY_S
CALIBRATING = "calibrating"


def is_silent(bays: Bays, now: float) -> Bools:
    """Which devices have not been heard for longer than their time to live."""
    return ~(bays.seen_at + TTL_HEARTBEATS * bays.heartbeat_s >= now)


def is_learning(bays: Bays, now: float) -> Bools:
    """Which devices are new to their bays, or calibrate themselves."""
    says = np.array([text is not None and CALIBRATING in text for text in bays.health], dtype=np.bool_)
    return (now - bays.assigned_at < LEARNING_S) | (says & (now - bays.health_at < DAY_S))


def silent(bays: Bays, now: float) -> list[Finding]:
    """Nothing is heard of the device, so its bay is unknown."""
    found = []
    for row in rows(is_silent(bays, now)):
        seen_at, heartbeat_s = float(bays.seen_at[row]), float(bays.heartbeat_s[row])
        never = np.isnan(seen_at)
        assigned = float(bays.assigned_at[row])
        since = (assigned if np.isfinite(assigned) else now) if never else seen_at
        if never and now - since < TTL_HEARTBEATS * heartbeat_s and np.isfinite(assigned):
            continue  # it has not had the time to speak yet
        reason = "never heard in this bay" if never else f"not heard since {_time(seen_at)}"
        found.append(
            bays.finding(
                row,
                Rule.SILENT,
                Severity.HIGH,
                since=since,
                lost_h=WEEK_H,
                reason=f"{reason}; it should speak every {heartbeat_s:g} s",
                evidence={"heartbeat_s": heartbeat_s},
            )
        )
    return found


def faulty(bays: Bays, now: float) -> list[Finding]:
    """The device says itself that its detector does not work."""
    return [
        bays.finding(
            row,
            Rule.FAULT,
            Severity.HIGH,
            since=float(bays.since[row]),
            lost_h=WEEK_H,
            reason="the device says that its detector does not work",
            evidence={"health": bays.health[row] or ""},
        )
        for row in rows(bays.fault & np.isfinite(bays.since))
    ]


def low_battery(bays: Bays, now: float) -> list[Finding]:
    """The battery is low by its level or the device's word, or forecast to be empty soon."""
    found = []
    left = (bays.empty_at - now) / DAY_S
    by_level = (bays.battery_v <= LOW_V) | (bays.battery_pct <= LOW_PCT)
    for row in rows(bays.battery_low | by_level | (left <= SOON_DAYS)):
        reasons, evidence = [], {}
        if bays.battery_low[row]:
            reasons.append("the device says that its battery is low")
        for name, limit, unit in (("battery_v", LOW_V, " V"), ("battery_pct", LOW_PCT, " %")):
            level = float(getattr(bays, name)[row])
            if not np.isnan(level):
                evidence[name] = level
            if level <= limit:
                reasons.append(f"its battery is at or below {limit:g}{unit}")
        days = float(left[row])
        if days <= SOON_DAYS:
            reasons.append(f"its battery is forecast to be empty on {_day(float(bays.empty_at[row]))}")
            evidence["empty_in_days"] = max(days, 0.0)
        lost_h = WEEK_H * (1 - max(days, 0.0) / 7) if days < 7 else 0.0
        found.append(
            bays.finding(
                row,
                Rule.LOW_BATTERY,
                Severity.MEDIUM,
                since=now,
                lost_h=lost_h,
                reason="; ".join(reasons),
                evidence=evidence,
            )
        )
    return found


def flapping(bays: Bays, now: float) -> list[Finding]:
    """Many of the states that the device tells end too soon to be true."""
    found = []
    for row in rows(is_flapping(bays)):
        flaps, runs = int(bays.flaps[row]), int(bays.runs[row])
        found.append(
            bays.finding(
                row,
                Rule.FLAPPING,
                Severity.MEDIUM,
                since=now,
                lost_h=WEEK_H * float(bays.flap_s[row]) / DAY_S,
                reason="many of the states that it told in the last days ended within a minute",
                evidence={
                    "short_runs": flaps,
                    "runs": runs,
                    "short_runs_s": float(bays.flap_s[row]),
                    "short_runs_3_days": int(bays.flaps_3d[row]),
                    "runs_3_days": int(bays.runs_3d[row]),
                },
            )
        )
    return found


def is_flapping(bays: Bays) -> Bools:
    """Which devices flap."""
    of_a_day = (bays.flaps >= FLAPS) & (bays.flaps >= FLAP_SHARE * bays.runs)
    of_three = (bays.flaps_3d >= FLAPS) & (bays.flaps_3d >= FLAP_SHARE * bays.runs_3d)
    return of_a_day | of_three


def other_heartbeat(bays: Bays, now: float) -> list[Finding]:
    """The device has another interval than the registry says, so that it seems silent too soon or late."""
    found = []
    for row in rows(np.isfinite(bays.said_heartbeat_s) & (bays.said_heartbeat_s != bays.heartbeat_s)):
        says, registry = float(bays.said_heartbeat_s[row]), float(bays.heartbeat_s[row])
        found.append(
            bays.finding(
                row,
                Rule.OTHER_HEARTBEAT,
                Severity.LOW,
                since=now,
                lost_h=0.0,
                reason=f"it says that it speaks every {says:g} s; the registry says every {registry:g} s",
                evidence={"said_s": says, "registry_s": registry},
            )
        )
    return found


def learning(bays: Bays, now: float) -> list[Finding]:
    """The device is new to its bay, or calibrates itself: it is not judged by its use yet."""
    found = []
    for row in rows(is_learning(bays, now) & ~is_silent(bays, now)):
        new = now - bays.assigned_at[row] < LEARNING_S
        since = float(bays.assigned_at[row] if new else bays.health_at[row])
        reason = "new to this bay: its first three days" if new else "it says that it is calibrating itself"
        found.append(
            bays.finding(
                row, Rule.LEARNING, Severity.LOW, since=since, lost_h=0.0, reason=reason, evidence={}
            )
        )
    return found


def _time(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M UTC")


def _day(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).date().isoformat()
