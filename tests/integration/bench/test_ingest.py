"""The benchmark itself works: small loads through real processes."""

import json
import os
import subprocess
import sys

from tests.support.services import PROJECT


def test_a_quick_run_measures_frames_beside_their_limit() -> None:
    command = [sys.executable, "-m", "bench.ingest", "--quick", "--only", "frames", "--json"]
    done = subprocess.run(command, cwd=PROJECT, env=os.environ, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    (figure,) = document["figures"]
    assert (figure["name"], figure["unit"], document["quick"]) == ("frames", "msg/s", True)
    assert figure["value"] > 0
    assert figure["limit"] > 0
    assert figure["ratio"] == figure["value"] / figure["limit"]
    assert figure["details"]["events"] == 5000
