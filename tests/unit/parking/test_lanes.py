"""Passages read by read: the same as of the whole set, and plates that are soon forgotten."""

from datetime import datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from parking.lanes import ID_HELD, MAX_HELD, PLATE_HELD, Lanes
from parking.passages import Passage, Read, passages
from tests.support.reads import NOON, READS, read


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
