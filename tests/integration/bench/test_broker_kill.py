"""The measurement of what a kill of the broker costs works: one small run through real processes."""

import json
import os
import subprocess
import sys

import pytest

from tests.support.services import PROJECT, Services


@pytest.mark.mosquitto
def test_a_quick_run_counts_what_a_kill_costs(services: Services) -> None:
    if not services.runs_own_mosquitto:
        pytest.skip("needs servers of its own out of the Debian root of `make services` (root on Debian)")
    command = [sys.executable, "-m", "bench.broker_kill", "--quick", "--json"]
    done = subprocess.run(command, cwd=PROJECT, env=os.environ, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    steady, burst = json.loads(done.stdout)["kills"]
    assert (steady["load"], burst["load"], burst["acknowledged"]) == ("500/s", "burst", 500)
    for kill in (steady, burst):
        assert 0 <= kill["lost"] <= kill["acknowledged"]
        assert kill["doubled"] >= 0
    # Saved every second or two: most of a steady load is on disk, all of a burst is in memory only.
    assert steady["lost"] < steady["acknowledged"]
    assert burst["lost"] > 0
