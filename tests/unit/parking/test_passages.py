"""What is one vehicle: repeat reads, better reads, misreads, in any order and any number of copies."""

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parking.lanes import Lanes
from parking.model import Direction, Motion, PlateRead
from parking.passages import (
    SAME_ID,
    SAME_PLATE,
    Lane,
    Read,
    alike,
    linked,
    passages,
)
from parking.plates import fold
from tests.support.reads import NOON, READS, read


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("J77ABC", "J77ABC", True),
        ("J77ABC", "J77ABD", True),
        ("J77ABC", "J7ABC", True),
        ("J77ABC", "XJ77ABC", True),
        ("JT06KLM", "JT06KNN", True),
        ("JT06KLM", "T06KL", True),
        ("JT06KLM", "JT06", True),
        ("JT06KLM", "JT0", False),
        ("JT06KLM", "JT06XYZ", False),
        ("JT06KLM", "LK21XYZ", False),
        ("ABCDE", "ABCXY", False),
        ("ABC", "ABD", False),
        ("", "J77ABC", False),
    ],
)
def test_plates_are_alike_if_a_few_characters_differ(one: str, other: str, same: bool) -> None:
    assert alike(fold(one), fold(other)) is alike(fold(other), fold(one)) is same


def test_a_repeat_read_is_the_same_vehicle() -> None:
    (found,) = passages([read(seconds=0, event_id="a"), read(seconds=4, event_id="b")])
    assert (found.at, found.event_id) == (NOON, "a")


def test_a_misread_is_the_same_vehicle_with_the_token_of_the_better_read() -> None:
    poor = read("J77A8D", 0, "a", confidence=0.5)
    (found,) = passages([poor, read("J77ABC", 3, "b", confidence=0.9)])
    assert (found.event_id, found.token, found.confidence) == ("a", fold("J77ABC").encode(), 0.9)


def test_the_vendors_id_joins_whatever_was_read() -> None:
    reads = [read("LK21XYZ", 0, "p"), read("J77ABC", 60, "p"), read(None, 120, "p")]
    assert len(passages(reads)) == 1
    apart = SAME_ID.total_seconds() + 1
    assert len(passages([reads[0], read("J77ABC", apart, "p")])) == 2


def test_a_vehicle_that_waits_at_the_barrier_is_one() -> None:
    waits = [read(seconds=8.0 * number) for number in range(30)]
    assert len(passages(waits)) == 1


def test_other_vehicles_cameras_and_times_are_apart() -> None:
    apart = SAME_PLATE.total_seconds() + 1
    reads = [
        read("J77ABC", 0),
        read("LK21XYZ", 2),
        read("J77ABC", 0, camera="cm-in-2"),
        read("J77ABC", apart),
        read(None, 1),
        read(None, 1.5),
    ]
    assert len(passages(reads)) == 6


def test_the_latest_word_about_the_motion_counts() -> None:
    reads = [
        read(seconds=0, motion=Motion.RECEDING),
        read(seconds=2, motion=Motion.APPROACHING),
        read(seconds=4),
    ]
    (found,) = passages(reads)
    assert found.motion is Motion.APPROACHING


def test_nothing_shows_a_plate() -> None:
    seen = Read.of(
        PlateRead(camera="c", event_at=NOON, event_id="e", plate="J77 ABC", confidence=0.5), b"token"
    )
    assert (seen.folded, seen.token) == (fold("J77 ABC"), b"token")
    lanes = Lanes()
    told = lanes.see(seen)
    assert "J77" not in f"{seen} {seen!r} {told!r} {passages([seen])!r}"
    assert not hasattr(told.passage, "folded")


@pytest.mark.parametrize(
    ("lane", "motion", "way"),
    [
        (Lane(direction=Direction.OUT), Motion.APPROACHING, Direction.OUT),
        (Lane(direction=Direction.IN), None, Direction.IN),
        (Lane(direction=None), Motion.APPROACHING, Direction.IN),
        (Lane(direction=None), Motion.RECEDING, Direction.OUT),
        (Lane(direction=None, approaching=Direction.OUT), Motion.APPROACHING, Direction.OUT),
        (Lane(direction=None, approaching=Direction.OUT), Motion.RECEDING, Direction.IN),
        (Lane(direction=None), None, None),
    ],
)
def test_the_gates_options_tell_the_way(lane: Lane, motion: Motion | None, way: Direction | None) -> None:
    assert lane.way(motion) is way


@given(READS, st.randoms(use_true_random=False))
def test_neither_order_nor_copies_of_reads_matter(reads: list[Read], random: Any) -> None:
    again = [*reads, *random.choices(reads, k=len(reads))] if reads else []
    random.shuffle(again)
    assert passages(again) == passages(reads)


@given(READS)
def test_passages_are_the_groups_that_hang_together(reads: list[Read]) -> None:
    groups: list[set[Read]] = []
    for one in set(reads):
        mine = [
            group
            for group in groups
            if any(one.camera == other.camera and linked(one, other) for other in group)
        ]
        groups = [group for group in groups if group not in mine] + [{one}.union(*mine)]
    found = passages(reads)
    assert len(found) == len(groups)
    firsts = Counter((min(one.at for one in group), next(iter(group)).camera) for group in groups)
    assert Counter((passage.at, passage.camera) for passage in found) == firsts
