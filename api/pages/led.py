"""The letters of a sign's matrix of lamps: five columns by seven rows, as such signs have."""

from collections.abc import Iterator
from dataclasses import dataclass

ROWS, COLUMNS, GAP = 7, 5, 1
WIDEST = 8
"""Letters on one line of a sign, unless a line of its text needs more."""

_DRAWN = """
A .###. #...# #...# ##### #...# #...# #...#
B ####. #...# #...# ####. #...# #...# ####.
C .###. #...# #.... #.... #.... #...# .###.
D ####. #...# #...# #...# #...# #...# ####.
E ##### #.... #.... ####. #.... #.... #####
F ##### #.... #.... ####. #.... #.... #....
G .###. #...# #.... #.### #...# #...# .####
H #...# #...# #...# ##### #...# #...# #...#
I .###. ..#.. ..#.. ..#.. ..#.. ..#.. .###.
J ..### ...#. ...#. ...#. ...#. #..#. .##..
K #...# #..#. #.#.. ##... #.#.. #..#. #...#
L #.... #.... #.... #.... #.... #.... #####
M #...# ##.## #.#.# #.#.# #...# #...# #...#
N #...# ##..# #.#.# #..## #...# #...# #...#
O .###. #...# #...# #...# #...# #...# .###.
P ####. #...# #...# ####. #.... #.... #....
Q .###. #...# #...# #...# #.#.# #..#. .##.#
R ####. #...# #...# ####. #.#.. #..#. #...#
S .#### #.... #.... .###. ....# ....# ####.
T ##### ..#.. ..#.. ..#.. ..#.. ..#.. ..#..
U #...# #...# #...# #...# #...# #...# .###.
V #...# #...# #...# #...# #...# .#.#. ..#..
W #...# #...# #...# #.#.# #.#.# ##.## #...#
X #...# #...# .#.#. ..#.. .#.#. #...# #...#
Y #...# #...# .#.#. ..#.. ..#.. ..#.. ..#..
Z ##### ....# ...#. ..#.. .#... #.... #####
0 .###. #...# #..## #.#.# ##..# #...# .###.
1 ..#.. .##.. ..#.. ..#.. ..#.. ..#.. .###.
2 .###. #...# ....# ..##. .#... #.... #####
3 ##### ....# ...#. ..##. ....# #...# .###.
4 ...#. ..##. .#.#. #..#. ##### ...#. ...#.
5 ##### #.... ####. ....# ....# #...# .###.
6 ..##. .#... #.... ####. #...# #...# .###.
7 ##### ....# ...#. ..#.. .#... .#... .#...
8 .###. #...# #...# .###. #...# #...# .###.
9 .###. #...# #...# .#### ....# ...#. .##..
- ..... ..... ..... ##### ..... ..... .....
+ ..... ..#.. ..#.. ##### ..#.. ..#.. .....
. ..... ..... ..... ..... ..... .##.. .##..
: ..... .##.. .##.. ..... .##.. .##.. .....
! ..#.. ..#.. ..#.. ..#.. ..#.. ..... ..#..
/ ..... ....# ...#. ..#.. .#... #.... .....
< ...#. ..#.. .#... #.... .#... ..#.. ...#.
> .#... ..#.. ...#. ....# ...#. ..#.. .#...
' ..#.. ..#.. .#... ..... ..... ..... .....
Â ..#.. .#.#. .###. #...# ##### #...# #...#
Ê ..#.. .#.#. ##### #.... ####. #.... #####
Ô ..#.. .#.#. .###. #...# #...# #...# .###.
Ŵ ..#.. .#.#. #...# #...# #.#.# ##.## #...#
Ŷ ..#.. .#.#. #...# .#.#. ..#.. ..#.. ..#..
? .###. #...# ....# ...#. ..#.. ..... ..#..
"""

LETTERS: dict[str, tuple[str, ...]] = {
    line[0]: tuple(line[2:].split()) for line in _DRAWN.strip().splitlines()
}
LETTERS[" "] = ("." * COLUMNS,) * ROWS


def lamps(text: str) -> list[tuple[int, int]]:
    """(column, row) of each lamp that is lit for a text; a letter that a sign does not have shows as `?`."""
    return list(_lit(text.upper()))


def columns(text: str) -> int:
    """How many columns the text takes."""
    return max(0, len(text) * (COLUMNS + GAP) - GAP)


def _lit(text: str) -> Iterator[tuple[int, int]]:
    for place, letter in enumerate(text):
        for row, drawn in enumerate(LETTERS.get(letter, LETTERS["?"])):
            for column, lamp in enumerate(drawn):
                if lamp == "#":
                    yield place * (COLUMNS + GAP) + column, row


@dataclass(frozen=True, slots=True)
class Lamps:
    """A matrix of lamps: its size in columns and rows, and which of them are lit."""

    width: int
    height: int
    lit: list[tuple[int, int]]


def matrix(text: str) -> Lamps:
    """The text in the middle of a matrix of at least `WIDEST` letters, in as many lines as it takes.

    A text of one line is broken at spaces where it is wider; one of several lines makes the matrix wider.
    """
    given = text.splitlines() or [""]
    lines = given if len(given) > 1 else list(_broken(text)) or [""]
    width = max(WIDEST * (COLUMNS + GAP) - GAP, *map(columns, lines)) + 2 * GAP
    height = len(lines) * (ROWS + GAP) + GAP
    lit = [
        (column + (width - columns(line)) // 2, row + GAP + number * (ROWS + GAP))
        for number, line in enumerate(lines)
        for column, row in lamps(line)
    ]
    return Lamps(width, height, lit)


def _broken(text: str) -> Iterator[str]:
    """At spaces where that is possible; a longer word is cut."""
    line = ""
    for word in text.split():
        if line and len(line) + 1 + len(word) > WIDEST:
            yield line
            line = ""
        line = f"{line} {word}".strip()
        while len(line) > WIDEST:
            yield line[:WIDEST]
            line = line[WIDEST:]
    if line:
        yield line
