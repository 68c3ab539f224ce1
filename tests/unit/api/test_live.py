"""The live view: what it takes over, what it ignores, and when a number is too old."""

from dataclasses import replace
from datetime import timedelta

import pytest

from api.live import LiveView, NotLoaded
from parking.db.live import BayNow, Changes
from parking.errors import NotFound
from parking.model import Occupancy
from tests.support.live import NOW, Hands, confirmation, everything, snapshot, street


def test_nothing_is_known_before_the_first_load(view: LiveView) -> None:
    with pytest.raises(NotLoaded):
        view.site("queen-street")
    with pytest.raises(NotLoaded):
        view.sign("vms-queen-street")


def test_an_unknown_id_is_not_found(view: LiveView) -> None:
    view.replace(everything(street("vo")))
    with pytest.raises(NotFound, match="no-such"):
        view.site("no-such")
    with pytest.raises(NotFound, match="no-such"):
        view.sign("no-such")


def test_a_newer_snapshot_is_taken_over_with_its_bays(view: LiveView) -> None:
    view.replace(everything(street("vo", revision=4)))
    now = BayNow(Occupancy.OCCUPIED, NOW, False, 5)
    changes = Changes(confirmation(), [snapshot("oo", revision=5)], [("queen-street", "queen-street-0", now)])
    assert view.apply(changes) == ["queen-street"]
    site = view.site("queen-street")
    assert (site.snapshot.revision, site.snapshot.vacant, site.bays["queen-street-0"]) == (5, 0, now)


def test_an_older_snapshot_is_ignored(view: LiveView) -> None:
    view.replace(everything(street("vo", revision=4)))
    assert view.apply(Changes(confirmation(), [snapshot("oo", revision=3)], [])) == []
    assert view.site("queen-street").snapshot == snapshot("vo", revision=4)


def test_changes_of_unregistered_sites_and_bays_are_ignored(view: LiveView) -> None:
    view.replace(everything(street("v")))
    now = BayNow(Occupancy.VACANT, NOW, False, 9)
    strangers = Changes(
        confirmation(),
        [snapshot("v", site="elsewhere", revision=9)],
        [("elsewhere", "elsewhere-0", now), ("queen-street", "queen-street-99", now)],
    )
    assert view.apply(strangers) == []
    assert list(view.sites) == ["queen-street"]
    assert list(view.site("queen-street").bays) == ["queen-street-0"]


def test_a_full_load_with_older_revisions_is_believed_and_called_a_restore(view: LiveView) -> None:
    view.replace(everything(street("vv", revision=9)))
    replaced = view.replace(everything(street("vo", revision=2)))
    assert replaced.restored
    assert view.site("queen-street").snapshot.revision == 2


def test_a_full_load_tells_what_is_new_and_whether_the_registry_changed(view: LiveView) -> None:
    assert not view.replace(everything(street("vv"), street("o", site="mews"))).registry
    again = view.replace(everything(street("vv", revision=2), street("o", site="mews")))
    assert (again.changed, again.registry, again.restored) == (["queen-street"], False, False)
    assert view.replace(everything(street("vv", revision=2))).registry


def test_a_number_is_stale_once_nobody_has_vouched_for_it_for_long_enough(
    view: LiveView, hands: Hands
) -> None:
    view.replace(everything(street("vo", age_s=3600), confirmed_s_ago=5))
    site = view.site("queen-street")
    assert view.as_of(site) == NOW - timedelta(seconds=5)
    hands.seconds = 10
    assert not view.is_stale(site, view.clock.now())
    hands.seconds = 10.001
    assert view.is_stale(site, view.clock.now())


def test_without_an_ingestor_a_number_is_as_old_as_its_last_change(view: LiveView) -> None:
    view.replace(everything(street("vo", age_s=3600)))
    site = view.site("queen-street")
    assert view.as_of(site) == NOW - timedelta(hours=1)
    assert view.is_stale(site, NOW)


def test_an_ingestor_that_leaves_takes_no_confirmation_back(view: LiveView) -> None:
    view.replace(everything(street("vo", age_s=3600), confirmed_s_ago=2))
    view.confirm(confirmation(None))
    assert view.as_of(view.site("queen-street")) == NOW - timedelta(seconds=2)


def test_a_confirmation_does_not_survive_a_restored_database(view: LiveView) -> None:
    view.replace(everything(street("vo", revision=9), confirmed_s_ago=0))
    view.replace(everything(street("vo", revision=2, age_s=86400)))
    assert view.is_stale(view.site("queen-street"), NOW)


def test_the_clock_is_the_databases_and_runs_on_without_it(view: LiveView, hands: Hands) -> None:
    hands.seconds = 100
    view.clock.sync(NOW + timedelta(hours=1), asked_at=99)
    assert view.clock.now() == NOW + timedelta(hours=1, seconds=1)


def test_known_revisions_leave_out_what_is_not_registered(view: LiveView) -> None:
    view.replace(everything(street("v", revision=7), street("v", site="mews", revision=8)))
    assert view.known_revisions(frozenset({"mews", "elsewhere"})) == {"mews": 8}
    assert view.known_revisions() == {"queen-street": 7, "mews": 8}


def test_a_changed_name_is_a_changed_registry(view: LiveView) -> None:
    (facts, number), bays = street("v")
    view.replace(everything(((facts, number), bays)))
    assert view.replace(everything(((replace(facts, name="New name"), number), bays))).registry
