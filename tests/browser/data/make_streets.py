"""Make `streets.pmtiles`: a town of straight streets in the Protomaps scheme, around the town of the tests.

    pip install pmtiles mapbox-vector-tile
    python tests/browser/data/make_streets.py

Neither package is among ours: the file changes when this one does, which is seldom.
"""

import gzip
import math
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import mapbox_vector_tile  # type: ignore[import-not-found]
from pmtiles.tile import Compression, TileType, zxy_to_tileid  # type: ignore[import-not-found]
from pmtiles.writer import Writer  # type: ignore[import-not-found]

FILE: Final = Path(__file__).parent / "streets.pmtiles"
EAST, NORTH = -3.178, 51.4815
"""The middle of the town in degrees."""
STREETS, APART = 8, (0.002, 0.0013)
"""Streets on each side of the middle one, and how far they are apart in degrees."""
ZOOMS: Final = range(11, 16)
EXTENT, BUFFER = 4096, 64
"""Units of a tile, and how far beyond its edge it draws."""

Point = tuple[float, float]


class Shape(NamedTuple):
    """What lies on the ground; closed if it is an area."""

    layer: str
    facts: dict[str, str]
    points: list[Point]
    area: bool = True


def town() -> Iterator[Shape]:
    """A river, a park, blocks and streets."""
    half = STREETS * APART[0], STREETS * APART[1]
    river = EAST - 2.7 * APART[0]
    yield Shape("water", {"kind": "river"}, box(river, NORTH - half[1], 0.0012, 2 * half[1]))
    yield Shape("landuse", {"kind": "park"}, box(EAST, NORTH, 3 * APART[0], 2 * APART[1]))
    for across in range(-STREETS, STREETS):
        for up in range(-STREETS, STREETS):
            corner = EAST + (across + 0.2) * APART[0], NORTH + (up + 0.2) * APART[1]
            yield Shape("buildings", {"kind": "building"}, box(*corner, 0.5 * APART[0], 0.4 * APART[1]))
    for n in range(-STREETS, STREETS + 1):
        kind = "minor_road" if n % 4 else "major_road"
        east, north = EAST + n * APART[0], NORTH + n * APART[1]
        ends = [(east, NORTH - half[1]), (east, NORTH + half[1])]
        yield Shape("roads", {"kind": kind, "name": f"{n + STREETS + 1} Street"}, ends, area=False)
        ends = [(EAST - half[0], north), (EAST + half[0], north)]
        yield Shape("roads", {"kind": kind, "name": f"{n + STREETS + 1} Lane"}, ends, area=False)


def box(west: float, south: float, width: float, height: float) -> list[Point]:
    """The corners of a rectangle."""
    return [(west, south), (west + width, south), (west + width, south + height), (west, south + height)]


def mercator(point: Point, zoom: int) -> Point:
    """Where a place is, in tiles from the north-west corner of the world."""
    east, north = point
    return (
        (east + 180) / 360 * 2**zoom,
        (1 - math.asinh(math.tan(math.radians(north))) / math.pi) / 2 * 2**zoom,
    )


def tiles(zoom: int) -> Iterator[tuple[int, bytes]]:
    """The tiles of a zoom: number and content."""
    found: dict[tuple[int, int], dict[str, list[dict[str, Any]]]] = defaultdict(lambda: defaultdict(list))
    for shape in town():
        placed = [mercator(point, zoom) for point in shape.points]
        columns, rows = zip(*placed, strict=True)
        for x in range(int(min(columns)), int(max(columns)) + 1):
            for y in range(int(min(rows)), int(max(rows)) + 1):
                inside = [(_units(column - x), _units(y + 1 - row)) for column, row in placed]
                if len(set(inside)) > 1 + shape.area:
                    found[x, y][shape.layer].append(
                        {"geometry": _wkt(inside, shape), "properties": shape.facts}
                    )
    for (x, y), layers in found.items():
        content = mapbox_vector_tile.encode(
            [{"name": name, "features": features} for name, features in layers.items()]
        )
        yield zxy_to_tileid(zoom, x, y), gzip.compress(content, mtime=0)


def _units(part: float) -> int:
    return min(max(round(part * EXTENT), -BUFFER), EXTENT + BUFFER)


def _wkt(points: list[tuple[int, int]], shape: Shape) -> str:
    listed = ", ".join(f"{x} {y}" for x, y in (points + points[:1] if shape.area else points))
    return f"POLYGON(({listed}))" if shape.area else f"LINESTRING({listed})"


def main() -> None:
    """Write the file."""
    west, south = EAST - STREETS * APART[0], NORTH - STREETS * APART[1]
    east, north = 2 * EAST - west, 2 * NORTH - south
    with FILE.open("wb") as file:
        writer = Writer(file)
        for number, content in sorted(one for zoom in ZOOMS for one in tiles(zoom)):
            writer.write_tile(number, content)
        writer.finalize(
            {
                "tile_type": TileType.MVT,
                "tile_compression": Compression.GZIP,
                "min_zoom": ZOOMS[0],
                "max_zoom": ZOOMS[-1],
                "min_lon_e7": int(west * 1e7),
                "min_lat_e7": int(south * 1e7),
                "max_lon_e7": int(east * 1e7),
                "max_lat_e7": int(north * 1e7),
                "center_zoom": 14,
                "center_lon_e7": int(EAST * 1e7),
                "center_lat_e7": int(NORTH * 1e7),
            },
            {
                "name": "streets",
                "vector_layers": [
                    {"id": name, "fields": {"kind": "String", "name": "String"}}
                    for name in ("water", "landuse", "buildings", "roads")
                ],
            },
        )
    print(f"{FILE}: {FILE.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
