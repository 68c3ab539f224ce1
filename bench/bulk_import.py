"""How long hot reads are held while many bays are imported over HTTP: `python -m bench.bulk_import`.

It starts the real `parking api` on a database with a small city, asks for one site all the time on one
connection, and meanwhile sends a registry of 100,000 bays. Printed is how long answers took, before and from
the moment the file is sent until the live view has it, and the most memory of the API.
"""

import argparse
import asyncio
import json
import time
from pathlib import Path

import httpx

from bench.ground import ground
from cli.embedded.ports import choose_port
from parking.access_keys import Scope
from tests.support.access import bearer, key_of
from tests.support.city import load, small_registry
from tests.support.polling import until
from tests.support.processes import ParkingProcess

BAYS = 100_000
PER_SITE = 200
QUIET_S = 5.0
_PATIENCE_S = 300.0


def registry(bays: int) -> bytes:
    """A registry file with so many bays with sensors."""
    sites = [
        {
            "id": f"site-{s:04}",
            "name": f"Site {s}",
            "kind": "on_street",
            "counting": "bays",
            "location": {"lon": -3.2 + s / 10_000, "lat": 51.5},
            "bays": [
                {
                    "id": f"site-{s:04}-{b:03}",
                    "location": {"lon": -3.2 + s / 10_000, "lat": 51.5 + b / 10_000},
                    "sensor": {"id": f"dev-{s:04}-{b:03}"},
                }
                for b in range(PER_SITE)
            ],
        }
        for s in range(bays // PER_SITE)
    ]
    return json.dumps({"sites": sites}).encode()


async def measure(bays: int) -> dict[str, float]:
    """The figures, times in milliseconds."""
    async with ground(broker=False) as found:
        url = found.databases.create()
        await load(url, small_registry(bays=20, sites=5))
        key = bearer(await key_of(url, Scope.REGISTRY_WRITE))
        port = choose_port()
        env = {"PARKING_DATABASE_URL": url, "PARKING_API_PORT": str(port), "PARKING_RATE_PER_S": "0"}
        api = ParkingProcess(["api"], env=env, log=Path(found.folder) / "api.log")
        base = f"http://127.0.0.1:{port}"
        try:
            await api.wait_for_http(f"{base}/v1/sites/street-0")
            return await _figures(base, key, bays, api.pid)
        finally:
            await api.terminate()


async def _figures(base: str, key: dict[str, str], bays: int, pid: int) -> dict[str, float]:
    took: list[float] = []
    file = registry(bays)
    async with (
        httpx.AsyncClient(base_url=base, timeout=_PATIENCE_S, trust_env=False) as client,
        asyncio.TaskGroup() as tasks,
    ):
        asking = tasks.create_task(_ask(base, took), name="reads")
        await asyncio.sleep(QUIET_S)
        quiet, began = sorted(took), time.perf_counter()
        took.clear()
        headers = key | {"Content-Type": "application/json"}
        answer = await client.post("/v1/registry/import", headers=headers, content=file)
        answer.raise_for_status()
        imported_s = time.perf_counter() - began
        last = f"/v1/sites/site-{bays // PER_SITE - 1:04}"
        await until(lambda: _is_there(client, last), timeout=_PATIENCE_S, what="the live view has it")
        seen_s = time.perf_counter() - began
        busy = sorted(took)
        asking.cancel()
    return {
        "bays": bays,
        "file MB": round(len(file) / 1e6, 1),
        "imported after s": round(imported_s, 1),
        "in the live view after s": round(seen_s, 1),
        "quiet: p99.9 ms": round(quiet[int(0.999 * len(quiet))], 1),
        "quiet: longest ms": round(quiet[-1], 1),
        "import: answers": len(busy),
        "import: p99.9 ms": round(busy[int(0.999 * len(busy))], 1),
        "import: longest ms": round(busy[-1], 1),
        "API peak MB": round(_peak_kb(pid) / 1024, 1),
    }


async def _is_there(client: httpx.AsyncClient, path: str) -> bool:
    return (await client.get(path)).status_code == 200


def _peak_kb(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1])


async def _ask(base: str, took: list[float]) -> None:
    async with httpx.AsyncClient(base_url=base, timeout=_PATIENCE_S, trust_env=False) as client:
        while True:
            began = time.perf_counter()
            (await client.get("/v1/sites/street-0")).raise_for_status()
            took.append(1000 * (time.perf_counter() - began))
            await asyncio.sleep(0.002)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--bays", type=int, default=BAYS, help="how many are imported")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    arguments = parser.parse_args()
    figures = asyncio.run(measure(arguments.bays))
    if arguments.json:
        print(json.dumps(figures))
        return
    for name, value in figures.items():
        print(f"{name:26} {value:>12,}")


if __name__ == "__main__":
    main()
