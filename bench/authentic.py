"""What it costs to verify a sealed frame: `python -m bench.authentic [--messages N] [--json]`."""

import argparse
import json
import time
from functools import partial
from random import Random

from bench.figures import Figure, Goal, machine, table
from firmware_protocol.sealed import seal
from firmware_protocol.window import Window
from ingest.authentic import Verifier
from parking.device_keys import cmac
from parking.replay import Verdict, WindowKey, judge

DEVICES = 5000
BATCH = 2000
GOAL = Goal(must=5, aim=2.5, lower_is_better=True)
FRAME = bytes.fromhex("110502000100040078a1fc")


def measure(*, messages: int, repeats: int = 5) -> Figure:
    """Microseconds of processor a message; each device has a key of its own, and batches are as in ingest."""
    chance = Random(1)
    keys = {f"ps-{number:06x}": {1: chance.randbytes(16)} for number in range(DEVICES)}
    devices = list(keys)
    sealed = []
    for number in range(messages):
        device, counter = devices[number % DEVICES], 1 + number // DEVICES
        secret = keys[device][1]
        data = seal(FRAME, device=device, key=1, counter=counter, mac=partial(cmac, secret))
        sealed.append((device, data))
    return Figure(
        name="authentic",
        what=f"verifying sealed frames of {DEVICES} devices in batches of {BATCH}",
        unit="us/message",
        values=[_run(Verifier(keys), sealed) for _ in range(repeats)],
        goal=GOAL,
        details={"bytes a message": float(len(sealed[0][1])), "messages": float(messages)},
    )


def _run(verifier: Verifier, messages: list[tuple[str, bytes]]) -> float:
    windows: dict[WindowKey, Window] = {}
    new = 0
    begun = time.process_time()
    for at in range(0, len(messages), BATCH):
        seals = [verifier.open(device, data).seal for device, data in messages[at : at + BATCH]]
        judged = judge(seals, windows)
        windows.update(judged.windows)
        new += judged.verdicts.count(Verdict.NEW)
    spent = time.process_time() - begun
    if new != len(messages):
        raise RuntimeError(f"{len(messages) - new} of {len(messages)} genuine messages were refused")
    return spent / len(messages) * 1e6


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.authentic", description=__doc__)
    parser.add_argument("--messages", type=int, default=50_000)
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of a table")
    arguments = parser.parse_args()
    figure = measure(messages=arguments.messages)
    print(json.dumps({**machine(), **figure.as_json()}) if arguments.json else table([figure]))


if __name__ == "__main__":
    main()
