"""Whether an event costs more when many are stored: the same load on a short and a long history, in pairs."""

from contextlib import AsyncExitStack
from dataclasses import dataclass
from statistics import median

from bench.feed import make_history
from bench.figures import Figure, Goal
from bench.ground import Ground
from bench.stage import Run, Stage, end_session, ingesting, load, stage
from bench.traffic import Town, bundles

GOAL = Goal(must=1.3, aim=1.1, lower_is_better=True)


@dataclass(frozen=True, slots=True)
class _Pair:
    """The same load on both histories; `disturbed` by a checkpoint of the server meanwhile."""

    small: Run
    large: Run
    disturbed: bool


async def cost_growth(ground: Ground, *, bays: int, history: int, rounds: int, repeats: int) -> Figure:
    """Time of an event where `history` events are stored, beside one where each bay was heard once."""
    past = history // bays - 1
    pairs: list[_Pair] = []
    async with AsyncExitStack() as stack:
        grown, *fresh = [
            await stack.enter_async_context(stage(ground, Town(bays))) for _ in range(repeats + 1)
        ]
        await make_history(grown, past)
        # To create or drop a database is a checkpoint, after which pages are dear: none of that from here on.
        for one in fresh:
            begun = await _checkpoint(grown)
            small, large = await _cost(one, rounds), await _cost(grown, rounds)
            pairs.append(_Pair(small, large, disturbed=await _checkpoint(grown) != begun))
    # Somebody else's checkpoint makes the pages of a long history dear for a while: better pairs without.
    used = [pair for pair in pairs if not pair.disturbed] or pairs
    return Figure(
        name="growth",
        what=f"cost of an event at {(past + 1) * bays} stored events against {bays}, bundles",
        unit="x",
        values=[pair.large.seconds / pair.small.seconds for pair in used],
        goal=GOAL,
        details={
            "us/event small": 1e6 * median(pair.small.seconds / pair.small.events for pair in used),
            "us/event large": 1e6 * median(pair.large.seconds / pair.large.events for pair in used),
            "ingestor processor time, x": _cpu_ratio("ingestor", used),
            "database processor time, x": _cpu_ratio("database", used),
            "pairs used": len(used),
            "of them with a checkpoint": sum(pair.disturbed for pair in used),
        },
    )


def _cpu_ratio(part: str, pairs: list[_Pair]) -> float:
    return median(pair.large.cpu.get(part, 0.0) / max(pair.small.cpu.get(part, 0.0), 0.01) for pair in pairs)


async def _checkpoint(made: Stage) -> str:
    """Which checkpoint the server began last."""
    cursor = await made.connection.execute("SELECT redo_lsn::text FROM pg_control_checkpoint()")
    row = await cursor.fetchone()
    assert row is not None, "the server has always had a checkpoint"
    return str(row[0])


async def _cost(made: Stage, rounds: int) -> Run:
    """One load by a fresh ingestor, after a change of each bay to warm up."""
    async with ingesting(made) as ingestor:
        await load(made, ingestor, bundles(made.town, 1))
        run = await load(made, ingestor, bundles(made.town, rounds))
    # Else the broker would keep the other stage's messages for it.
    await end_session(made)
    return run
