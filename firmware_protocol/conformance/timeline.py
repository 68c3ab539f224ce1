"""What the state frames of one device show together: starts, numbers, ages, heartbeats.

Theory of operation. Frames come in order of arrival. `_Transition` is what is known of the latest one: its
number, its state and, where times are known, when it was (arrival less age). Each new frame is a restart, a
repetition of that transition, a later one, or an older one; each case has its rules.
"""

from dataclasses import dataclass, replace
from typing import Final

from firmware_protocol.conformance.notes import Notes
from firmware_protocol.frames import FrameType, StateFrame
from firmware_protocol.layout import MAX_DURATION_S

MOST_STARTS_UNSEEN: Final = 8
"""Starts between two frames of which nothing may be heard; a greater step is no counter."""
MOST_SEQ_AT_BOOT: Final = 30
"""Transitions that fit before a boot frame: it is sent within a minute, and they are 2 s apart."""
LEAST_GAPS: Final = 5
"""Gaps between heartbeats that must be alike before chance is ruled out."""
ALIKE: Final = 0.01
_HALF: Final = 1 << 15
_IN_MINUTES_S: Final = _HALF // 60 * 60
"""From here on durations are whole minutes [D-2], rounded down."""


@dataclass(frozen=True, slots=True)
class Told:
    """One state frame: its line and, if known, when it arrived (less what a gateway held it)."""

    frame: StateFrame
    number: int
    at: float | None


@dataclass(frozen=True, slots=True)
class _Transition:
    told: Told
    first: Told

    @property
    def since(self) -> float | None:
        """When it was, Unix seconds; None without a time, or when the age is at its end."""
        return _since(self.first)


class Timeline:
    """Judges the state frames of one device, in order of arrival."""

    def __init__(self, device: str, notes: Notes, *, tolerance_s: float, heartbeat_s: int | None) -> None:
        self._device = device
        self._notes = notes
        self._tolerance_s = tolerance_s
        self._heartbeat_s = heartbeat_s
        self._last: Told | None = None
        self._booted_with: int | None = None
        self._latest: _Transition | None = None
        self._boots: list[int] = []
        self._known: dict[int, StateFrame] = {}
        self._beat: Told | None = None
        self._gaps: list[tuple[int, float]] = []
        self.states = 0
        """State frames so far."""

    def configure(self, heartbeat_s: int) -> None:
        """From now on this interval holds."""
        if heartbeat_s != self._heartbeat_s:
            # The gap in which the interval changed is of neither.
            self._heartbeat_s, self._beat, self._last = heartbeat_s, None, None
            self._gaps.clear()

    def take(self, told: Told) -> None:
        """Judge the next frame. A copy that comes with it, as MQTT may deliver one, is passed over."""
        if self._last is not None and self._is_copy(told, self._last):
            return
        self.states += 1
        latest = self._latest
        if latest is None or told.frame.boot != latest.told.frame.boot:
            self._start(told)
        elif self._is_restart(told, latest):
            self._look("Q-1", told, f"it starts again with boot id {told.frame.boot}, as before")
            self._begin(told)
        else:
            self._go_on(told, latest)
        if told.frame.heartbeat_s:
            self.configure(told.frame.heartbeat_s)
        self._time(told)
        self._last = told

    def finish(self, end: float | None) -> None:
        """Nothing more was heard until `end`."""
        last = self._last
        if last is not None and last.at is not None and end is not None:
            self._silence(end - last.at, last)
        if self._heartbeat_s and len(self._gaps) >= LEAST_GAPS:
            gaps = [gap for _, gap in self._gaps]
            alike = max(gaps) - min(gaps) < ALIKE * self._heartbeat_s
            number = self._gaps[-1][0]
            wrong = f"the last {len(gaps)} heartbeats came at the same interval, not changed at random"
            self._notes.look("S-3", device=self._device, number=number, wrong=wrong if alike else None)

    def _is_copy(self, told: Told, last: Told) -> bool:
        if told.at is None or last.at is None:
            return told.frame == last.frame
        return told.frame == last.frame and told.at - last.at <= self._tolerance_s

    def _look(self, clause: str, told: Told, wrong: str | None) -> None:
        self._notes.look(clause, device=self._device, number=told.number, wrong=wrong)

    # --- starts

    def _start(self, told: Told) -> None:
        """The first frame of all, or the first one with another boot id."""
        boot, boots = told.frame.boot, self._boots
        is_boot = told.frame.type == FrameType.BOOT
        if boots:
            step = (boot - boots[-1]) % 256
            wrong = f"boot id {boot} after {boots[-1]}: it goes up by one at each start"
            self._look("Q-1", told, None if step <= MOST_STARTS_UNSEEN and boot not in boots else wrong)
            name = told.frame.type.name.lower()
            self._look(
                "S-4", told, None if is_boot else f"the first frame of boot id {boot} is of type {name}"
            )
        elif is_boot:
            self._look("S-4", told, None)
        if is_boot:
            wrong = f"the first boot frame of boot id {boot} has sequence {told.frame.seq}"
            self._look("Q-2", told, wrong if told.frame.seq > MOST_SEQ_AT_BOOT else None)
        self._begin(told)

    def _begin(self, told: Told) -> None:
        self._boots = [*self._boots, told.frame.boot][-100:]
        self._latest = _Transition(told, told)
        self._known = {told.frame.seq: told.frame}
        self._booted_with = told.frame.seq if told.frame.type == FrameType.BOOT else None
        self._beat = None
        self._last = None  # the silence of a restart is no missing heartbeat

    def _is_restart(self, told: Told, latest: _Transition) -> bool:
        """A boot frame that begins anew under the old id: another number, or a younger transition."""
        if told.frame.type != FrameType.BOOT:
            return False
        before = latest.told
        return told.frame.seq < before.frame.seq or (
            told.frame.seq == before.frame.seq and told.frame.age_s + self._tolerance_s < before.frame.age_s
        )

    # --- transitions

    def _go_on(self, told: Told, latest: _Transition) -> None:
        ahead = (told.frame.seq - latest.told.frame.seq) % (2 * _HALF)
        if told.frame.type == FrameType.BOOT:
            again = self._booted_with == told.frame.seq
            self._look("S-4", told, None if again else "a boot frame that does not follow a start")
        if ahead == 0:
            self._repeat(told, latest)
        elif ahead < _HALF:
            self._advance(told, latest, ahead)
        elif told.frame.seq not in self._known:
            self._look("Q-2", told, f"sequence {told.frame.seq} after {latest.told.frame.seq}")

    def _repeat(self, told: Told, latest: _Transition) -> None:
        before = latest.told.frame
        names = before.state.name.lower(), told.frame.state.name.lower()
        wrong = f"sequence {before.seq} is {names[0]} and then {names[1]}" if names[0] != names[1] else None
        self._look("Q-2", told, wrong)
        self._age(told, latest.told)
        self._latest = replace(latest, told=told)

    def _age(self, told: Told, before: Told) -> None:
        """The age must have grown as much as time has passed, but for what the network took."""
        ages = before.frame.age_s, told.frame.age_s
        if told.at is None or before.at is None or max(ages) >= MAX_DURATION_S:
            return
        passed, grown = told.at - before.at, ages[1] - ages[0]
        tolerance = self._tolerance_s + _grain(told.frame) + _grain(before.frame)
        if passed <= tolerance:
            return
        off = abs(grown - passed) > tolerance + 0.1 * passed
        wrong = f"the age grew by {grown} s in {passed:.0f} s"
        self._look("D-4", told, wrong if off else None)

    def _advance(self, told: Told, latest: _Transition, ahead: int) -> None:
        frame, before = told.frame, latest.told.frame
        heartbeat = frame.type == FrameType.HEARTBEAT
        wrong = f"transition {frame.seq} is first told by a heartbeat, not by an event"
        changed = frame.state != before.state
        self._look("S-2", told, wrong if heartbeat and changed else None)
        same = ahead == 1 and not changed
        wrong = f"sequence {frame.seq} is {frame.state.name.lower()}, as {before.seq} was: nothing changed"
        skipped = ahead > 1 and self._nothing_between(told, latest)
        if skipped:
            wrong = f"sequence {frame.seq} follows {before.seq}, with no transition between them"
        self._look("Q-2", told, wrong if same or skipped else None)
        if frame.previous_s is not None and frame.seq >= 2:
            wrong = f"transition {frame.seq} came {frame.previous_s} s after the one before"
            self._look("Q-3", told, wrong if frame.previous_s < 2 else None)
        if ahead == 1 and changed:
            self._previous(told, latest)
        self._latest = _Transition(told, told)
        self._known[frame.seq] = frame

    def _nothing_between(self, told: Told, latest: _Transition) -> bool:
        """Whether the state before this transition had lasted since the latest one that is known."""
        since, before = _since(told), latest.since
        if since is None or before is None or told.frame.previous_s is None:
            return False
        return abs(since - before - told.frame.previous_s) <= self._uncertainty(told, latest)

    def _previous(self, told: Told, latest: _Transition) -> None:
        since, before, previous = _since(told), latest.since, told.frame.previous_s
        if since is None or before is None or previous is None or previous >= MAX_DURATION_S:
            return
        wrong = f"previous is {previous} s, but the transition before was {since - before:.0f} s ago"
        off = abs(since - before - previous) > self._uncertainty(told, latest)
        self._look("S-5", told, wrong if off else None)

    def _uncertainty(self, told: Told, latest: _Transition) -> float:
        grains = _grain(told.frame) + _grain(latest.first.frame)
        if told.frame.previous_s is not None and told.frame.previous_s >= _IN_MINUTES_S:
            grains += 60
        return self._tolerance_s + grains

    # --- heartbeats

    def _time(self, told: Told) -> None:
        last, beat = self._last, self._beat
        if told.at is None:
            return
        if last is not None and last.at is not None:
            self._silence(told.at - last.at, told)
        if told.frame.type != FrameType.HEARTBEAT:
            return
        if beat is not None and beat.at is not None and self._heartbeat_s:
            gap = told.at - beat.at
            self._gaps.append((told.number, gap))
            wrong = f"a heartbeat after {gap:.1f} s; the interval is {self._heartbeat_s} s"
            early = gap < 0.9 * self._heartbeat_s - self._tolerance_s
            self._look("S-3", told, wrong if early else None)
        self._beat = told

    def _silence(self, gap: float, told: Told) -> None:
        if not self._heartbeat_s:
            return
        if gap > 1.1 * self._heartbeat_s + self._tolerance_s:
            self._look("S-3", told, f"nothing for {gap:.1f} s; the interval is {self._heartbeat_s} s")


def _since(told: Told) -> float | None:
    if told.at is None or told.frame.age_s >= MAX_DURATION_S:
        return None
    return told.at - told.frame.age_s


def _grain(frame: StateFrame) -> float:
    """How coarse the age is, seconds."""
    return 60.0 if frame.age_s >= _IN_MINUTES_S else 1.0
