"""Times are of each stage alone, and the functions are as before afterwards."""

import asyncio
import json

import pytest

from bench import stopwatch
from bench.stopwatch import Stopwatch


class Clock:
    """Stands in for the module `time`: only `pass_by` moves it; the processor works half the time."""

    now = 0.0

    def pass_by(self, seconds: float) -> None:
        self.now += seconds

    def perf_counter(self) -> float:
        return self.now

    def thread_time(self) -> float:
        return self.now / 2


def test_a_stage_does_not_count_the_stages_within_it(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, watch = Clock(), Stopwatch()
    monkeypatch.setattr(stopwatch, "time", clock)
    with watch.timing("outer"):
        clock.pass_by(1)
        for seconds in (2, 4):
            with watch.timing("inner"):
                clock.pass_by(seconds)
        clock.pass_by(8)
    assert watch.seconds == {"outer": 9, "inner": 6}
    assert watch.cpu == {"outer": 4.5, "inner": 3}
    assert watch.calls == {"outer": 1, "inner": 2}


def test_functions_are_timed_only_while_installed_and_missing_ones_are_named() -> None:
    watch, original = Stopwatch(), json.dumps
    with watch.installed([("json:dumps", "dump"), ("json:gone", "gone"), ("nowhere:x", "x")]) as missing:
        assert json.dumps([1]) == "[1]"
    assert (watch.calls["dump"], missing) == (1, ["json:gone", "nowhere:x"])
    assert json.dumps is original


async def test_coroutines_are_timed_to_their_end() -> None:
    watch = Stopwatch()
    with watch.installed([("asyncio:sleep", "sleep")]):
        await asyncio.sleep(0.01)
    assert watch.calls["sleep"] == 1
    assert watch.seconds["sleep"] > watch.cpu["sleep"] >= 0
