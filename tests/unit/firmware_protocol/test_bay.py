"""The C state machine against the model: bounces, wraps of the clock, restarts, networks that lose things."""

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from firmware_protocol.codec import decode, encode
from firmware_protocol.commands import Command, Operation, encode_command
from firmware_protocol.frames import (
    AckFrame,
    FrameType,
    HealthFrame,
    Outcome,
    ResetCause,
    State,
    StateFrame,
    telemetry,
)
from tests.unit.firmware_protocol.bay_life import Life, Lived, Sample, Sent, ask, live, lives

Compile = Callable[[Path], Path]
MOST_BOOT_DELAY_MS = 60_000
RETRY_MS, MOST_RETRY_MS = 15_000, 960_000
WRAP = 1 << 32

many = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def program(compile_c: Compile) -> Path:
    return compile_c(Path(__file__).with_name("bay_driver.c"))


def heartbeat_ms(lived: Lived) -> int:
    return (lived.life.heartbeat_s or 3600) * 1000


def as_sent(frame: StateFrame) -> StateFrame:
    """With its durations as the 16 bits hold them."""
    back = decode(encode(frame))
    assert isinstance(back, StateFrame)
    return back


@many
@given(lives)
def test_every_frame_tells_what_the_model_says_at_that_time(program: Path, lives: list[Life]) -> None:
    for lived in live(program, lives):
        known = lived.transitions()
        for sent in lived.sent:
            change = [known[0], *(change for change in known if change.decided <= sent.at)][-1]
            told = as_sent(
                StateFrame(
                    type=sent.type,
                    state=change.state,
                    boot=lived.boot,
                    seq=change.seq,
                    age_s=(sent.at - change.since) // 1000,
                    previous_s=None if change.previous_ms is None else change.previous_ms // 1000,
                    battery_v=3.6,
                    tlvs=sent.state.tlvs,
                )
            )
            assert sent.frame == told


@many
@given(lives)
def test_a_life_begins_with_one_boot_frame_that_is_repeated_until_acknowledged(
    program: Path, lives: list[Life]
) -> None:
    for lived in live(program, lives):
        if lived.end - lived.start >= MOST_BOOT_DELAY_MS:
            assert lived.sent
        if not lived.sent:
            continue
        assert lived.sent[0].type == FrameType.BOOT
        assert lived.sent[0].at - lived.start <= MOST_BOOT_DELAY_MS
        assert lived.sent[0].state.heartbeat_s == (lived.life.heartbeat_s or 3600)
        assert lived.sent[0].state.reset_cause == ResetCause.WATCHDOG
        boots = [sent for sent in lived.sent if sent.type == FrameType.BOOT]
        assert not any(sent.acknowledged for sent in boots[:-1])
        check_retries(lived, boots, superseded_by=FrameType.EVENT)


@many
@given(lives)
def test_every_transition_is_told_at_once_and_again_until_acknowledged(
    program: Path, lives: list[Life]
) -> None:
    for lived in live(program, lives):
        if not lived.sent:
            continue
        spoken = lived.sent[0].at
        for change in lived.transitions():
            events = [s for s in lived.sent if s.type == FrameType.EVENT and s.state.seq == change.seq]
            if change.seq == 0:
                assert not events
                continue
            if change.decided == lived.end:
                continue  # at the moment in which the life ends it may or may not have been polled
            assert events[0].at == max(change.decided, spoken)
            assert not any(sent.acknowledged for sent in events[:-1])
            check_retries(lived, events, superseded_by=FrameType.EVENT)


def check_retries(lived: Lived, attempts: list[Sent], *, superseded_by: FrameType) -> None:
    """Each failed attempt is followed by the next one after a delay that doubles, a tenth more or less."""
    for number, sent in enumerate(attempts):
        if sent.acknowledged:
            return
        delay = min(RETRY_MS << min(number, 6), MOST_RETRY_MS)
        if number + 1 < len(attempts):
            gap = attempts[number + 1].at - sent.at
            assert 0.9 * delay - 1 <= gap <= 1.1 * delay + 1
            continue
        others = [s for s in lived.sent if s.at >= sent.at and s.type == superseded_by and s not in attempts]
        assert others or lived.end - sent.at <= 1.1 * delay + 1


@many
@given(lives)
def test_heartbeats_keep_their_interval_within_a_tenth(program: Path, lives: list[Life]) -> None:
    for lived in live(program, lives):
        beat = heartbeat_ms(lived)
        planned = lived.start
        for sent in lived.sent:
            if sent.type == FrameType.HEARTBEAT:
                assert sent.at - planned >= 0.9 * beat - 1
            if sent.type == FrameType.HEARTBEAT or sent.acknowledged:
                assert sent.at - planned <= max(1.1 * beat, MOST_BOOT_DELAY_MS) + 1
                planned = sent.at
        assert lived.end - planned <= max(1.1 * beat, MOST_BOOT_DELAY_MS) + 1


@many
@given(lives)
def test_transitions_are_two_seconds_apart_and_numbered_by_one(program: Path, lives: list[Life]) -> None:
    for lived in live(program, lives):
        sequence = [sent.state.seq for sent in lived.sent]
        assert sequence == sorted(sequence)
        known = lived.transitions()
        assert {sent.state.seq for sent in lived.sent} <= {change.seq for change in known}
        for earlier, change in pairwise(known):
            assert change.seq == earlier.seq + 1
            assert change.state != earlier.state
            assert earlier.seq == 0 or change.since - earlier.since >= 2000


def test_heartbeats_of_a_street_drift_apart(program: Path) -> None:
    def gaps(random: int) -> list[int]:
        life = Life(0, random, 900, 0, [Sample(State.VACANT, 40_000_000, "1")])
        beats = [sent.at for sent in live(program, [life])[0].sent if sent.type == FrameType.HEARTBEAT]
        return [later - earlier for earlier, later in pairwise(beats)]

    one, other = gaps(1), gaps(2)
    assert one != other
    assert max(one) - min(one) > 60_000
    assert abs(sum(one) / len(one) - 900_000) < 30_000


@pytest.mark.parametrize("clock", [0, WRAP - 1, WRAP - 2500, WRAP // 2])
def test_nothing_depends_on_where_the_clock_stands(program: Path, clock: int) -> None:
    samples = [
        Sample(State.VACANT, 100_000, "1"),
        Sample(State.OCCUPIED, 30 * 86_400_000, "1"),
        Sample(State.VACANT, 30 * 86_400_000, "01"),
    ]
    at_zero, there = (live(program, [Life(c, 5, 0, 0, samples)])[0].sent for c in (0, clock))
    assert there == at_zero
    assert max(sent.state.age_s for sent in there) == 32_767 * 60


@pytest.mark.parametrize("acknowledged", [0, 1])
def test_a_transition_while_the_one_before_is_under_way_is_told_too(program: Path, acknowledged: int) -> None:
    # The first event is with the network while the bay changes again; then the network answers.
    first = ["sample 1", "run 2499 1", "hold 1", "hold 10"]
    out = ask(program, script(*first, "sample 0", "hold 3000", f"sent {acknowledged}", "run 9000 1"))
    assert out.count("nothing to hold") == 1
    heard = [decode(bytes.fromhex(line.split()[2])) for line in out if line.startswith("frame")]
    events = [frame for frame in heard if isinstance(frame, StateFrame) and frame.type == FrameType.EVENT]
    assert [(frame.seq, frame.state) for frame in events][-1] == (2, State.VACANT)


def test_a_bounce_is_no_transition(program: Path) -> None:
    samples = [Sample(State.VACANT, 70_000, "1")]
    for _ in range(50):
        samples += [Sample(State.OCCUPIED, 1999, "1"), Sample(State.VACANT, 1, "1")]
    (lived,) = live(program, [Life(0, 1, 0, 0, samples)])
    assert {sent.state.seq for sent in lived.sent} == {0}


def script(*lines: str, memory: str = "7 60 2500 0 0") -> list[str]:
    return [f"start 0 1 {memory}", "sample 0", "run 120000 1", *lines]


def told(program: Path, lines: list[str]) -> tuple[list[str], list[StateFrame | HealthFrame | AckFrame]]:
    """The lines that are no frames, and the frames that are none of state."""
    out = ask(program, lines)
    frames = [decode(bytes.fromhex(line.split()[2])) for line in out if line.startswith("frame")]
    return (
        [line for line in out if not line.startswith("frame")],
        [frame for frame in frames if not isinstance(frame, StateFrame)],
    )


def command(operation: int, *, id: int = 77, **values: int) -> str:
    data = encode_command(Command(id=id, operation=operation, tlvs=telemetry(**values)))  # type: ignore[arg-type]
    return f"command {data.hex()}"


def test_configure_is_answered_and_kept(program: Path) -> None:
    configure = command(Operation.CONFIGURE, heartbeat_s=120, debounce_ms=3000)
    lines, frames = told(program, script(configure, "run 1000 1", "memory"))
    assert lines == ["answer ok 1 0", "memory 7 120 3000 77 0"]
    assert frames == [
        AckFrame(boot=7, command=77, outcome=Outcome.DONE, tlvs=telemetry(heartbeat_s=120, debounce_ms=3000))
    ]


def test_configured_heartbeat_holds_from_then_on(program: Path) -> None:
    lines = script(command(Operation.CONFIGURE, heartbeat_s=1000), "run 20000000 1")
    at = [int(line.split()[1]) for line in ask(program, lines) if line.startswith("frame")]
    gaps = [later - earlier for earlier, later in pairwise(at) if earlier > 130_000]
    assert len(gaps) > 10
    assert all(900_000 <= gap <= 1_100_000 for gap in gaps)


def test_the_same_command_again_is_answered_again_and_not_carried_out_again(program: Path) -> None:
    reboot = command(Operation.REBOOT)
    lines, frames = told(program, script(reboot, "run 1000 1", reboot, "run 1000 1"))
    assert lines == ["answer ok 3 0", "answer ok 0 0"]
    assert frames == [AckFrame(boot=7, command=77, outcome=Outcome.DONE, tlvs=frames[0].tlvs)] * 2


def test_a_reboot_is_not_repeated_by_the_device_that_has_rebooted(program: Path) -> None:
    reboot = command(Operation.REBOOT)
    lines, frames = told(program, script(reboot, "run 1000 1", memory="8 60 2500 77 0"))
    assert lines == ["answer ok 0 0"]
    assert [(f.boot, f.command, f.outcome) for f in frames if isinstance(f, AckFrame)] == [(8, 77, 0)]


def test_status_gives_a_health_frame_then_the_ack(program: Path) -> None:
    _, frames = told(program, script(command(Operation.STATUS), "run 1000 1"))
    health, ack = frames
    assert isinstance(health, HealthFrame)
    assert (health.uptime_s, health.frames_failed) == (120, 0)
    assert health.frames_sent is not None
    assert health.frames_sent >= 1
    assert isinstance(ack, AckFrame)


def test_before_the_first_frame_an_answer_waits_for_the_boot_frame(program: Path) -> None:
    lines = [
        "start 0 1 7 60 0 0 0",
        command(Operation.STATUS),
        "run 1 1",
    ]
    frames = [decode(bytes.fromhex(line.split()[2])) for line in ask(program, lines)[1:]]
    assert [frame.type for frame in frames] == [FrameType.BOOT, FrameType.HEALTH, FrameType.ACK]


def test_actions_are_the_callers_and_can_fail(program: Path) -> None:
    set_time = command(Operation.TIME, time_s=1_767_225_600)
    lines, frames = told(program, script(set_time, "fail 1", "run 1000 1"))
    assert lines == ["answer ok 4 1767225600"]
    assert frames == [AckFrame(boot=7, command=77, outcome=Outcome.UNSUPPORTED)]
    recalibrate = command(Operation.RECALIBRATE)
    assert told(program, script(recalibrate))[0] == ["answer ok 2 0"]


@pytest.mark.parametrize(
    ("line", "outcome"),
    [
        (command(Operation.STATUS, id=0), Outcome.INVALID),
        (command(Operation.CONFIGURE, heartbeat_s=5), Outcome.INVALID),
        (command(Operation.CONFIGURE, heartbeat_s=50, debounce_ms=1), Outcome.INVALID),
        (command(99), Outcome.UNSUPPORTED),
    ],
)
def test_what_is_refused_changes_nothing(program: Path, line: str, outcome: Outcome) -> None:
    lines, frames = told(program, script(line, "run 1000 1", "memory"))
    assert lines[0] == "answer ok 1 0"
    assert lines[1].startswith("memory 7 60 2500 ")
    assert [frame.outcome for frame in frames if isinstance(frame, AckFrame)] == [outcome]


@pytest.mark.parametrize("payload", ["00", "11", "180000000001", "1800000000010206", "7b7d"])
def test_what_is_no_command_gets_no_answer(program: Path, payload: str) -> None:
    lines, frames = told(program, script(f"command {payload}", "run 1000 1"))
    assert frames == []
    assert not lines[0].startswith("answer ok")


def test_a_lost_answer_is_not_repeated_by_itself(program: Path) -> None:
    _, frames = told(program, script(command(Operation.STATUS), "run 100000000 0"))
    assert [type(frame) for frame in frames] == [HealthFrame, AckFrame]


def test_calibrating_is_told(program: Path) -> None:
    out = ask(program, script("calibrating 1", "sample 2", "run 3000 1"))
    frame = decode(bytes.fromhex(out[-1].split()[2]))
    assert isinstance(frame, StateFrame)
    assert (frame.calibrating, frame.state) == (True, State.UNKNOWN)


def test_a_state_that_does_not_exist_is_refused(program: Path) -> None:
    assert "refused" in ask(program, script("sample 4"))


@many
@given(
    st.lists(
        st.binary(min_size=1, max_size=30) | st.binary(max_size=12).map(lambda b: b"\x18\0" + b), max_size=8
    )
)
def test_any_payload_leaves_a_device_that_still_tells_its_state(program: Path, payloads: list[bytes]) -> None:
    lines = script(*(f"command {data.hex()}" for data in payloads), "sample 1", "run 70000 1")
    out = [line for line in ask(program, lines) if line.startswith("frame")]
    last = [decode(bytes.fromhex(line.split()[2])) for line in out]
    assert any(isinstance(frame, StateFrame) and frame.state == State.OCCUPIED for frame in last)
