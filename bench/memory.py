"""How much memory the ingestor takes with a large registry."""

from bench.figures import Figure, Goal
from bench.ground import Ground
from bench.meter import memory_mb
from bench.stage import ingesting, load, stage
from bench.traffic import Town, bundles, some

GOAL = Goal(must=200, aim=120, lower_is_better=True)


async def resident_memory(ground: Ground, *, bays: int, frames: int) -> Figure | None:
    """Its highest resident memory: registry loaded, every bay heard in bundles, then a burst of frames."""
    town = Town(bays)
    async with stage(ground, town) as made, ingesting(made) as ingestor:
        registered = memory_mb(ingestor.pid)
        await load(made, ingestor, bundles(town, 1))
        bundled = memory_mb(ingestor.pid)
        await load(made, ingestor, some(town, town.order()[:frames]))
        burst = memory_mb(ingestor.pid)
    if registered is None or bundled is None or burst is None:
        return None
    return Figure(
        name="memory",
        what=f"most memory of the ingestor, {bays} bays registered and heard, {frames} in a burst",
        unit="MB",
        values=[burst[1]],
        goal=GOAL,
        details={
            "MB idle with the registry": registered[0],
            "MB highest at start": registered[1],
            "MB after bundles of all bays": bundled[0],
            "MB highest in bundles": bundled[1],
            "MB idle after the burst": burst[0],
        },
    )
