"""How fast pages are: `python -m bench.pages [--json]`.

A city of 500 sites with 10,000 bays behind a real `parking api`, in a real Chromium. The list of all sites is
rendered anew (a number changed just before). The map is dragged while bays change, and each frame is timed;
so is each frame of a page without a map, beside it. Without a graphics card the processor paints the frames,
so what the page itself takes of one (scripts, styles and layout: the main thread) is told apart from that.
"""

import argparse
import asyncio
import json
import statistics
import time
from dataclasses import dataclass
from typing import Any, Final

import httpx
from playwright.async_api import CDPSession, Page, async_playwright

from parking.db.connect import connect
from parking.db.registry import import_registry
from parking.registry import parse_registry
from tests.browser.conftest import CHROMIUM, DESKTOP, FLAGS
from tests.browser.screenshots import Served, serving
from tests.support.ingestor import HandIngestor
from tests.support.polling import until

SITES: Final = 500
BAYS: Final = 20
RUNS: Final = 15
DRAG_S: Final = 6.0
_STATES: Final = ("vacant", "occupied", "unknown")
_COUNT_FRAMES: Final = """
() => {
  window.frames_ms = [];
  let last = performance.now();
  const step = (now) => { window.frames_ms.push(now - last); last = now; requestAnimationFrame(step); };
  requestAnimationFrame(step);
}
"""


def site(number: int) -> dict[str, Any]:
    """A street; all of them fill a square of some 2 km."""
    lon, lat = -3.19 + (number % 25) * 0.0011, 51.475 + (number // 25) * 0.0008
    return {
        "id": f"street-{number:03}",
        "name": f"Street {number:03}",
        "kind": "on_street",
        "counting": "bays",
        "location": {"lon": lon, "lat": lat},
        "bays": [
            {
                "id": f"street-{number:03}-{bay:02}",
                "location": {"lon": lon + bay * 0.00005, "lat": lat},
                "sensor": {"id": f"s{number}-{bay}"},
            }
            for bay in range(BAYS)
        ],
    }


def states(number: int, turn: int) -> dict[str, str]:
    """States of a street's bays, others each turn."""
    return {
        f"street-{number:03}-{bay:02}": _STATES[(number + bay + turn) * 7 % 11 % 3] for bay in range(BAYS)
    }


async def make_city(database_url: str) -> None:
    """Put the city into a database, with numbers."""
    registry = parse_registry({"sites": [site(number) for number in range(SITES)]}, source="city")
    async with connect(database_url, name="bench", autocommit=True) as connection:
        await import_registry(connection, registry)
    with HandIngestor(database_url) as ingestor:
        ingestor.confirm()
        for number in range(SITES):
            ingestor.publish(f"street-{number:03}", states(number, 0))


async def list_ms(served: Served) -> list[float]:
    """Times to answer /sites, each after a change, so that it is rendered anew; to the last byte."""
    took = []
    async with httpx.AsyncClient(base_url=served.url, trust_env=False) as client:
        for turn in range(RUNS):
            published = served.ingestor.publish("street-000", states(0, turn))

            async def known(revision: int = published) -> bool:
                now: int = (await client.get("/v1/sites/street-000")).json()["revision"]
                return now >= revision

            await until(known, what="the change is known")
            began = time.perf_counter()
            answer = await client.get("/sites", headers={"Accept-Encoding": "identity"})
            took.append(1000 * (time.perf_counter() - began))
            assert answer.text.count("data-site=") == SITES
    return took


@dataclass(frozen=True, slots=True)
class Drag:
    """Times of the frames, sorted, and the main thread's processor time in one (mean); milliseconds."""

    frames: list[float]
    busy_ms: float


async def drag(page: Page, served: Served, what: str) -> Drag:
    """Drag something for some seconds while streets change."""
    box = await page.locator(what).bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    protocol = await page.context.new_cdp_session(page)
    await protocol.send("Performance.enable", {"timeDomain": "threadTicks"})
    await page.evaluate(_COUNT_FRAMES)
    busy = await _busy_s(protocol)
    ends, turn = time.monotonic() + DRAG_S, 0
    while time.monotonic() < ends:
        turn += 1
        await asyncio.to_thread(
            served.ingestor.publish, f"street-{turn % SITES:03}", states(turn % SITES, turn)
        )
        await page.mouse.move(x, y)
        await page.mouse.down()
        sign = 1 if turn % 2 else -1
        await page.mouse.move(x + sign * 150, y + sign * 80, steps=25)
        await page.mouse.up()
    frames: list[float] = await page.evaluate("window.frames_ms")
    busy = await _busy_s(protocol) - busy
    return Drag(sorted(frames[1:]), 1000 * busy / len(frames))


async def _busy_s(protocol: CDPSession) -> float:
    """How long the main thread has been at work on tasks."""
    told = (await protocol.send("Performance.getMetrics"))["metrics"]
    return float(next(one["value"] for one in told if one["name"] == "TaskDuration"))


async def measure() -> dict[str, float]:
    """All figures."""
    async with serving(make_city) as served, async_playwright() as playwright:
        listed = await list_ms(served)
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        page = await browser.new_page(
            base_url=served.url, viewport={"width": DESKTOP[0], "height": DESKTOP[1]}
        )
        await page.goto("/map")
        await page.locator("#map[data-drawn]").wait_for()
        for _ in range(2):
            await page.get_by_role("button", name="Closer").click()
            await page.wait_for_timeout(600)
        on_map = await drag(page, served, "#map")
        await page.goto("/accessibility")
        plain = await drag(page, served, "h1")
        await browser.close()
    frames = on_map.frames
    return {
        "list of 500 sites, median ms": statistics.median(listed),
        "list of 500 sites, worst ms": max(listed),
        "map of 10,000 bays, frames": len(frames),
        "map of 10,000 bays, frames a second": 1000 / statistics.mean(frames),
        "map of 10,000 bays, frame p50 ms": frames[len(frames) // 2],
        "map of 10,000 bays, frame p95 ms": frames[int(len(frames) * 0.95)],
        "map of 10,000 bays, frame worst ms": frames[-1],
        "map of 10,000 bays, main thread ms a frame": on_map.busy_ms,
        "page without a map, frames a second": 1000 / statistics.mean(plain.frames),
        "page without a map, frame p95 ms": plain.frames[int(len(plain.frames) * 0.95)],
        "page without a map, main thread ms a frame": plain.busy_ms,
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m bench.pages", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    found = asyncio.run(measure())
    if parser.parse_args().json:
        print(json.dumps(found))
    else:
        for name, value in found.items():
            print(f"{name:44} {value:10.1f}")
