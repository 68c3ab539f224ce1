"""Where an event's time goes in the ingestor: `python -m bench.profile_ingest [--kind KIND] [--cprofile]`.

Ready messages go straight into the admission and the one transaction, without a broker, in this process.
Microseconds of an event by stage, each without the stages within it: in all, and of this processor (what is
missing is the wait for the database's answer).
"""

import argparse
import asyncio
import cProfile
import pstats
import time
from collections.abc import Callable
from functools import partial

from bench.feed import WRITING, feeding, make_history
from bench.ground import ground
from bench.stage import stage
from bench.stopwatch import Stopwatch
from bench.traffic import Sensors, Town, Traffic, bundles, frames, uplinks

STAGES = (
    ("ingest.admit:Admission.batch", "admit"),
    ("ingest.admit:decode", "admit: decode one by one"),
    ("parking.db.bays:plan", "merge"),
    ("parking.db.bays:_rebuild", "rebuild"),
    ("parking.db.bay_store:_copy_events", "COPY events"),
    ("parking.db.bay_store:_copy_stays", "COPY stays"),
    ("parking.db.bay_store:_update_states", "update states"),
    ("parking.db.write:lock_sites", "lock sites"),
    ("parking.db.write:publish_sites", "publish sites"),
    ("parking.db.write:store_passages", "passages"),
    ("parking.db.write:_store_rejections", "rejections"),
)
"""The functions that are timed. One that is renamed is reported as missing: mend this list then."""
KINDS = ("frames", "bundles", "uplinks")


async def profile(kind: str, *, bays: int, rounds: int, batch: int, history: int, cprofile: bool) -> None:
    """Feed `rounds` changes of every bay after one that warms up; print what it took."""
    profiler = cProfile.Profile()
    make = _maker(kind)
    async with ground(broker=False) as found, stage(found, Town(bays, _sensors(kind))) as made:
        if history:
            await make_history(made, history)
        async with feeding(made) as feed:
            await feed.give(make(made.town, 1), batch=batch)
            traffic = make(made.town, rounds)
            with feed.watch.installed(STAGES if not cprofile else ()) as missing:
                feed.watch.reset()
                if cprofile:
                    profiler.enable()
                await feed.give(traffic, batch=batch)
                profiler.disable()
    if cprofile:
        pstats.Stats(profiler).strip_dirs().sort_stats("tottime").print_stats(30)
    else:
        _report(feed.watch, traffic, missing)


def _report(watch: Stopwatch, traffic: Traffic, missing: list[str]) -> None:
    total, cpu = sum(watch.seconds.values()), sum(watch.cpu.values())
    each = 1e6 / traffic.events
    print(f"{traffic.events} events in {traffic.messages} messages, {watch.calls[WRITING]} transactions")
    print("us/event  processor  share    calls  stage")
    for name, seconds in sorted(watch.seconds.items(), key=lambda item: -item[1]):
        figures = f"{each * seconds:8.2f} {each * watch.cpu[name]:10.2f} {seconds / total:6.0%}"
        print(f"{figures} {watch.calls[name]:8}  {name}")
    print(
        f"{each * total:8.2f} {each * cpu:10.2f}   100%           all: {traffic.events / total:,.0f} events/s"
    )
    print(f"{each * watch.collecting_s:8.2f} of it collecting garbage")
    for target in missing:
        print(f"not timed, since it is not there any more: {target}")


def _maker(kind: str) -> Callable[[Town, int], Traffic]:
    if kind == "uplinks":
        return partial(uplinks, now=time.time())
    return bundles if kind == "bundles" else frames


def _sensors(kind: str) -> Sensors:
    return "lorawan" if kind == "uplinks" else "parking-v1"


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.profile_ingest", description=__doc__)
    parser.add_argument("--kind", choices=KINDS, default="frames")
    parser.add_argument("--bays", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=2, help="changes of each bay")
    parser.add_argument("--batch", type=int, help="messages in a transaction (2000, or 40 bundles)")
    parser.add_argument("--history", type=int, default=0, help="events of each bay stored before (frames)")
    parser.add_argument("--cprofile", action="store_true", help="by function instead of by stage")
    arguments = parser.parse_args()
    batch = arguments.batch or (40 if arguments.kind == "bundles" else 2000)
    asyncio.run(
        profile(
            arguments.kind,
            bays=arguments.bays,
            rounds=arguments.rounds,
            batch=batch,
            history=arguments.history,
            cprofile=arguments.cprofile,
        )
    )


if __name__ == "__main__":
    main()
