"""How quickly a backlog drains: frames that the broker kept while the ingestor was away."""

import asyncio
import secrets

from bench import peers, wire
from bench.figures import Figure
from bench.ground import Ground
from bench.mqtt import Packets, renamed
from bench.stage import Ingestor, Run, Stage, ingesting, load, stage, wait_acknowledged, wait_stored
from bench.throughput import Size, costs
from bench.traffic import FRAME_FILTER, Town, Traffic, frames


async def backlog(ground: Ground, size: Size) -> Figure:
    """Let frames pile up, start the ingestor, and time it from its connection on."""
    town = Town(size.bays)
    runs, limits = [], []
    async with stage(ground, town) as made:
        async with ingesting(made) as ingestor:
            rounds = size.rounds_after(await load(made, ingestor, frames(town, 1)))
        for _ in range(size.repeats):
            traffic = frames(town, rounds)
            limits.append(await _limit(made, renamed(traffic.packets)))
            await _pile_up(made, traffic.packets)
            async with ingesting(made) as ingestor:
                runs.append(await _drain(made, ingestor, traffic))
    rates = [run.messages_per_s for run in runs]
    return Figure(
        name="backlog",
        what=f"draining {runs[0].messages} frames that waited at the broker, from the connection on",
        unit="msg/s",
        values=rates,
        limit_what="msg/s raw subscriber",
        limits=limits,
        ratios=[rate / most for rate, most in zip(rates, limits, strict=True)],
        details=costs(runs),
    )


async def _limit(made: Stage, packets: Packets) -> float:
    """Messages a second that the raw subscriber takes out of a kept session."""
    url, session = made.ground.mqtt_url, f"parking-bench-{secrets.token_hex(4)}"
    filters = ("x" + FRAME_FILTER[1:],)
    await asyncio.to_thread(wire.leave_session, url, session, filters)
    try:
        await _pile_up(made, packets)
        async with peers.subscriber(url, (), len(packets), session=session) as peer:
            await peer.go()
            taken = await peers.received(peer)
    finally:
        await asyncio.to_thread(wire.end_session, url, session)
    return taken.received / (taken.ended_at - taken.started_at)


async def _pile_up(made: Stage, packets: Packets) -> None:
    async with peers.publisher(made.ground.mqtt_url, packets, made.ground.folder) as peer:
        await peer.go()
        await peers.published(peer)


async def _drain(made: Stage, ingestor: Ingestor, traffic: Traffic) -> Run:
    meter = made.meter(ingestor)
    before = meter.read()
    stored_at = await wait_stored(made, traffic)
    acknowledged_at = await wait_acknowledged(ingestor, traffic.messages)
    return Run(
        messages=traffic.messages,
        events=traffic.events,
        seconds=max(stored_at, acknowledged_at) - ingestor.connected_at,
        cpu={name: value - before[name] for name, value in meter.read().items()},
    )
