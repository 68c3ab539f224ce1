"""Whether an event costs more when many are stored: the same load on a short and a long history, in pairs."""

from statistics import median

from bench.figures import Figure, Goal
from bench.ground import Ground
from bench.stage import Run, Stage, ingesting, load, stage
from bench.traffic import Town, bundles

GOAL = Goal(must=1.3, aim=1.1, lower_is_better=True)

_EVENTS = """
INSERT INTO bay_event (bay_id, device_id, site_id, event_at, session, seq, part, state, fault, kind, age_s,
                       previous_s, received_at)
SELECT b.bay_id, d.device_id, b.site_id, h.at, 1, h.n, 0,
       CASE h.n %% 2 WHEN 0 THEN 'vacant' ELSE 'occupied' END, false, 'change', 0, 600, h.at
  FROM bay b JOIN device d USING (bay_id)
 CROSS JOIN LATERAL (SELECT n, now() - (%(events)s - n) * interval '90 minutes' AS at
                       FROM generate_series(0, %(events)s - 1) AS n) AS h
 ORDER BY h.n, b.bay_id
"""
_STAYS = """
INSERT INTO stay (bay_id, site_id, started_at, ended_at, start_seen, end_seen)
SELECT bay_id, site_id, event_at, event_at + interval '90 minutes', true, true
  FROM bay_event WHERE state = 'occupied' AND seq < %(events)s
"""
_STATES = """
UPDATE bay_state s
   SET state = e.state, reported = e.state, silent = false, since = e.event_at, seen_at = e.event_at,
       device_id = e.device_id, event_at = e.event_at, placed_at = e.event_at, age_s = 0, session = 1,
       seq = e.seq, part = 0, settled = true
  FROM bay_event e WHERE e.bay_id = s.bay_id AND e.seq = %(events)s - 1
"""


async def cost_growth(ground: Ground, *, bays: int, history: int, rounds: int, repeats: int) -> Figure:
    """Time of an event where `history` events are stored, beside one where each bay was heard once."""
    # An odd number, so that the last of them says vacant and every stay has ended.
    past = (history // bays - 1) | 1
    large_town = Town(bays, told=past)
    small, large = [], []
    async with stage(ground, large_town) as grown:
        await _fill(grown, past)
        for _ in range(repeats):
            async with stage(ground, Town(bays)) as fresh:
                small.append(await _cost(fresh, rounds))
            large.append(await _cost(grown, rounds))
    ratios = [many.seconds / few.seconds for many, few in zip(large, small, strict=True)]
    return Figure(
        name="growth",
        what=f"cost of an event at {(past + 1) * bays} stored events against {bays}, bundles",
        unit="x",
        values=ratios,
        goal=GOAL,
        details={
            "us/event small": 1e6 * median(run.seconds / run.events for run in small),
            "us/event large": 1e6 * median(run.seconds / run.events for run in large),
            "ingestor processor time, x": _cpu_ratio("ingestor", small, large),
            "database processor time, x": _cpu_ratio("database", small, large),
        },
    )


def _cpu_ratio(part: str, small: list[Run], large: list[Run]) -> float:
    pairs = zip(large, small, strict=True)
    return median(many.cpu.get(part, 0.0) / max(few.cpu.get(part, 0.0), 0.01) for many, few in pairs)


async def _fill(made: Stage, each: int) -> None:
    """Past events of every bay as the ingestor would have stored them, the last one vacant."""
    for statement in (_EVENTS, _STAYS, _STATES):
        await made.connection.execute(statement, {"events": each})
    await made.connection.execute("VACUUM ANALYZE")
    made.stored += each * made.town.bays


async def _cost(made: Stage, rounds: int) -> Run:
    """One load by a fresh ingestor, after a change of each bay to warm up."""
    async with ingesting(made) as ingestor:
        await load(made, ingestor, bundles(made.town, 1))
        return await load(made, ingestor, bundles(made.town, rounds))
