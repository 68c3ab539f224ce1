"""What is one vehicle: repeat reads, better reads, misreads, in any order and any number of copies."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parking.model import Direction, Motion, PlateRead
from parking.passages import (
    ID_HELD,
    MAX_HELD,
    PLATE_HELD,
    SAME_ID,
    SAME_PLATE,
    Lane,
    Lanes,
    Passage,
    Read,
    alike,
    linked,
    passages,
)
from parking.plates import fold

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)


def read(plate: str | None = "J77ABC", seconds: float = 0, event_id: str = "", **more: Any) -> Read:
    folded = fold(plate) if plate else None
    values: dict[str, Any] = {
        "camera": "cm-in-1",
        "at": NOON + timedelta(seconds=seconds),
        "event_id": event_id or f"e{seconds}",
        "folded": folded,
        "token": folded.encode() if folded else None,
        "confidence": 0.9,
    }
    return Read(**(values | more))


def keys(found: tuple[Passage, ...]) -> list[str]:
    return [passage.event_id for passage in found]


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


PLATES = st.sampled_from(["J77ABC", "J77ABD", "J77XBD", "LK21XYZ", "LK21XY", "T06KLM", None])
READS = st.lists(
    st.builds(
        read,
        PLATES,
        st.integers(0, int((PLATE_HELD - SAME_PLATE).total_seconds())),
        st.sampled_from(["a", "b", "c", "d", "e"]) | st.uuids().map(str),
        camera=st.sampled_from(["cm-in-1", "cm-out-1"]),
        confidence=st.sampled_from([None, 0.5, 0.9]),
        motion=st.sampled_from([None, *Motion]),
    ),
    max_size=12,
)


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


def told(lanes: Lanes, reads: list[Read]) -> dict[tuple[str, datetime, str], Passage]:
    """What one who stores the passages has in the end."""
    stored: dict[tuple[str, datetime, str], Passage] = {}
    for one in reads:
        answer = lanes.see(one)
        for key in answer.replaced:
            del stored[one.camera, *key]
        stored[one.camera, *answer.passage.key] = answer.passage
    return stored


@given(READS, st.randoms(use_true_random=False))
def test_read_by_read_gives_the_same_in_any_order(reads: list[Read], random: Any) -> None:
    again = [*reads, *random.choices(reads, k=len(reads))] if reads else []
    random.shuffle(again)
    stored = told(Lanes(), again)
    assert sorted(stored) == sorted((one.camera, *one.key) for one in passages(reads))
    assert {key: one for key, one in stored.items()} == {
        (one.camera, *one.key): one for one in passages(reads)
    }


def test_plates_are_forgotten_and_ids_a_while_later() -> None:
    lanes = Lanes()
    lanes.see(read(seconds=0, event_id="a"))
    assert lanes.plates == 1
    lanes.forget(NOON + PLATE_HELD + timedelta(seconds=1))
    assert lanes.plates == 0
    assert lanes.see(read("LK21XYZ", 100, "a")).passage.at == NOON  # still known by its id
    lanes.forget(NOON + timedelta(seconds=100) + ID_HELD + timedelta(seconds=1))
    assert lanes.see(read(seconds=101, event_id="a")).passage.at == NOON + timedelta(seconds=101)


def test_a_lane_forgets_plates_by_its_own_traffic_too() -> None:
    lanes = Lanes()
    for number in range(200):
        lanes.see(read(f"X{number:04}YZ{number:04}", number * 20.0, f"e{number}"))
    assert lanes.plates <= PLATE_HELD.total_seconds() / 20 + 1


def test_a_flood_of_reads_takes_no_more_than_its_room() -> None:
    lanes = Lanes()
    for number in range(MAX_HELD + 50):
        lanes.see(read(None, number * 0.01, f"e{number}"))
    assert lanes.see(read(None, 20, "e0")).passage.at == NOON + timedelta(seconds=20)  # long forgotten
    assert lanes.see(read(None, 20, f"e{MAX_HELD + 40}")).passage.at < NOON + timedelta(seconds=20)


def test_after_a_restart_ids_and_tokens_still_join_and_misreads_do_not() -> None:
    before = Lanes().see(read(seconds=0, event_id="a")).passage
    for again, at in (
        (read("LK21XYZ", 3, "a"), NOON),
        (read("J77ABC", 3, "b"), NOON),
        (read("J77ABD", 3, "b"), NOON + timedelta(seconds=3)),
    ):
        lanes = Lanes()
        lanes.remember([before])
        assert lanes.see(again).passage.at == at


def test_a_read_between_two_passages_makes_them_one() -> None:
    lanes = Lanes()
    lanes.see(read(seconds=0, event_id="a"))
    assert lanes.see(read(seconds=16, event_id="c")).passage.event_id == "c"
    joined = lanes.see(read(seconds=8, event_id="b"))
    assert (joined.passage.event_id, joined.replaced) == ("a", ((NOON + timedelta(seconds=16), "c"),))
