"""Random lives of a bay sensor, the C state machine that lives them, and a model of what it must decide."""

import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from hypothesis import strategies as st

from firmware_protocol.codec import decode
from firmware_protocol.frames import Frame, FrameType, State, StateFrame

DEBOUNCE_MS = 2000


@dataclass(frozen=True, slots=True)
class Sent:
    """A frame that the device sent, milliseconds after the first start; whether it was acknowledged."""

    at: int
    data: bytes
    acknowledged: bool

    @property
    def frame(self) -> Frame:
        return decode(self.data)

    @property
    def state(self) -> StateFrame:
        frame = self.frame
        assert isinstance(frame, StateFrame)
        return frame

    @property
    def type(self) -> FrameType:
        return self.frame.type


@dataclass(frozen=True, slots=True)
class Sample:
    """The detector sees `state`; then `ms` pass, in which the network acknowledges by `pattern`."""

    state: State
    ms: int
    pattern: str


@dataclass(frozen=True, slots=True)
class Life:
    """From one start of the device to the next."""

    clock: int
    random: int
    heartbeat_s: int
    debounce_ms: int
    samples: list[Sample]


@dataclass(frozen=True, slots=True)
class Transition:
    """What the model says was decided: when, since when, and what."""

    decided: int
    since: int
    state: State
    seq: int
    previous_ms: int | None


@dataclass(slots=True)
class Lived:
    """What came out of one life: its frames, when it started and ended, and what the model says."""

    life: Life
    boot: int
    start: int
    end: int
    sent: list[Sent] = field(default_factory=list)

    def transitions(self) -> list[Transition]:
        """Independently of the library, from the samples alone (and when the device first spoke)."""
        spoken = self.sent[0].at if self.sent else self.end
        least = max(self.life.debounce_ms, DEBOUNCE_MS)
        known = [Transition(self.start, self.start, State.UNKNOWN, 0, None)]
        seen, seen_at, at = State.UNKNOWN, self.start, self.start
        found = False
        for sample in [*self.life.samples, None]:
            if seen != known[-1].state and seen_at + least <= at:
                decided = seen_at + least
                last = known[-1]
                if not found and decided <= spoken:
                    known[-1] = Transition(decided, last.since, seen, 0, None)
                else:
                    new = Transition(decided, seen_at, seen, last.seq + 1, seen_at - last.since)
                    known.append(new)
                found = True
            if sample is None:
                break
            if sample.state != seen:
                seen, seen_at = sample.state, at
            at += sample.ms
        return known


def live(program: Path, lives: list[Life], *, boot: int = 7) -> list[Lived]:
    """Live them one after the other in the C library, under sanitizers; the boot id goes up by one each."""
    script: list[str] = []
    lived: list[Lived] = []
    now = 0
    for number, life in enumerate(lives):
        this_boot = (boot + number) % 256
        script.append(
            f"start {life.clock} {life.random} {this_boot} {life.heartbeat_s} {life.debounce_ms} 0 0"
        )
        for sample in life.samples:
            script += [f"sample {sample.state.value}", f"run {sample.ms} {sample.pattern}"]
        end = now + sum(sample.ms for sample in life.samples)
        lived.append(Lived(life, this_boot, now, end))
        now = end
    for line in ask(program, script):
        word, at, data, acknowledged = line.split()
        assert word == "frame", line
        sent = Sent(int(at), bytes.fromhex(data), acknowledged == "1")
        lived[(sent.state.boot - boot) % 256].sent.append(sent)
    return lived


def ask(program: Path, script: list[str]) -> list[str]:
    """What the driver answers to a script."""
    text = "".join(f"{line}\n" for line in script)
    done = subprocess.run([program], input=text, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()


_states = st.sampled_from(State)
# Bounces of milliseconds, values at the edge of the debouncing, and stays.
_short = st.integers(0, 50) | st.sampled_from([999, 1000, 1999, 2000, 2001, 4000]) | st.integers(0, 120_000)
_days = st.integers(0, 3 * 86_400_000)
_patterns = st.sampled_from(["1", "0", "01", "001", "10", "00000000001"])
# Near the wrap of the 32-bit counter as often as anywhere else.
_clocks = st.integers(0xFFFF_0000, 0xFFFF_FFFF) | st.integers(0, 0xFFFF_FFFF)


def _lives(spans: st.SearchStrategy[int], heartbeats: list[int]) -> st.SearchStrategy[list[Life]]:
    life = st.builds(
        Life,
        clock=_clocks,
        random=st.integers(0, 0xFFFF_FFFF),
        heartbeat_s=st.sampled_from(heartbeats),
        debounce_ms=st.sampled_from([0, 500, 2000, 2500, 60_000]),
        samples=st.lists(st.builds(Sample, _states, spans, _patterns), min_size=1, max_size=25),
    )
    return st.lists(life, min_size=1, max_size=3)


# Days only with long intervals, so that no life has a hundred thousand heartbeats.
lives = _lives(_short, [10, 60, 900]) | _lives(_short | _days, [0, 65_535])
