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
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial

from bench.ground import ground
from bench.mqtt import unpacked
from bench.stage import Stage, stage
from bench.stopwatch import Stopwatch
from bench.traffic import Sensors, Town, Traffic, bundles, frames, uplinks
from ingest.admit import Admission, Rules
from ingest.source import Message
from parking.db.connect import connect, tune_for_batches
from parking.db.known import Known, load_known
from parking.db.write import write_batch
from parking.settings import Settings

STAGES = (
    ("ingest.admit:Admission.batch", "admit"),
    ("ingest.admit:decode", "admit: decode one by one"),
    ("parking.db.bays:plan", "merge"),
    ("parking.db.bays:_rebuild", "rebuild"),
    ("parking.db.bays:_copy_events", "COPY events"),
    ("parking.db.bays:_copy_stays", "COPY stays"),
    ("parking.db.bays:_update_states", "update states"),
    ("parking.db.write:lock_sites", "lock sites"),
    ("parking.db.write:publish_sites", "publish sites"),
    ("parking.db.write:store_passages", "passages"),
    ("parking.db.write:_store_rejections", "rejections"),
)
"""The functions that are timed. One that is renamed is reported as missing: mend this list then."""
REST = "begin, commit, the rest"
KINDS = ("frames", "bundles", "uplinks")


async def profile(kind: str, *, bays: int, rounds: int, batch: int, cprofile: bool) -> None:
    """Feed `rounds` changes of every bay after one that warms up; print what it took."""
    watch = Stopwatch()
    async with ground(broker=False) as found, stage(found, Town(bays, _sensors(kind))) as made:
        make = _maker(kind)
        known = await load_known(made.connection)
        admission = _admission(known)
        await _feed(made, known, admission, make(made.town, 1), batch, watch)
        traffic = make(made.town, rounds)
        profiler = cProfile.Profile()
        with watch.installed(STAGES if not cprofile else ()) as missing:
            watch.reset()
            if cprofile:
                profiler.enable()
            await _feed(made, known, admission, traffic, batch, watch)
            profiler.disable()
        if not cprofile:
            _report(watch, traffic, missing)
        else:
            pstats.Stats(profiler).strip_dirs().sort_stats("tottime").print_stats(30)


def _admission(known: Known) -> Admission:
    """As the ingestor makes it."""
    settings = Settings()
    rules = Rules(timedelta(seconds=settings.late_limit_s), timedelta(seconds=settings.early_limit_s))
    return Admission(known, rules, None)


async def _feed(
    made: Stage, known: Known, admission: Admission, traffic: Traffic, batch: int, watch: Stopwatch
) -> None:
    messages = list(unpacked(traffic.packets))
    async with connect(made.database_url, name="parking profile", autocommit=True) as connection:
        await tune_for_batches(connection)
        for received in _batches(messages, batch):
            admitted = admission.batch(received)
            if admitted.rejections:
                raise SystemExit(f"a message of the benchmark was rejected: {admitted.rejections[0]}")
            with watch.timing(REST):
                await write_batch(connection, admitted, now=datetime.now(UTC), table=known.table)


def _batches(messages: Sequence[tuple[str, bytes]], size: int) -> Iterator[list[Message]]:
    for start in range(0, len(messages), size):
        now = time.time_ns() // 1000
        yield [Message(topic, payload, now, False, 1, 1) for topic, payload in messages[start : start + size]]


def _report(watch: Stopwatch, traffic: Traffic, missing: list[str]) -> None:
    total, cpu = sum(watch.seconds.values()), sum(watch.cpu.values())
    each = 1e6 / traffic.events
    print(f"{traffic.events} events in {traffic.messages} messages, {watch.calls[REST]} transactions")
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
    parser.add_argument("--cprofile", action="store_true", help="by function instead of by stage")
    arguments = parser.parse_args()
    batch = arguments.batch or (40 if arguments.kind == "bundles" else 2000)
    asyncio.run(
        profile(
            arguments.kind,
            bays=arguments.bays,
            rounds=arguments.rounds,
            batch=batch,
            cprofile=arguments.cprofile,
        )
    )


if __name__ == "__main__":
    main()
