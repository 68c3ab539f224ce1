"""Keys of the API: their form, what is kept of them, and when they open."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from parking.access_keys import (
    MEANING,
    AccessKey,
    Lock,
    Scope,
    checked_name,
    checked_scopes,
    checked_sites,
    hashed,
    new_key,
    parse_key,
)
from parking.errors import AccessError

NOW = datetime(2026, 3, 29, 1, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def lock(secret: str, former: str | None = None, **known: Any) -> Lock:
    fields = {
        "id": "abcdefghij",
        "name": "office",
        "scopes": frozenset({Scope.REPORTS_READ}),
        "sites": None,
        "created_at": NOW,
        "created_by": "test",
        "rotated_at": None,
        "former_until": None,
        "expires_at": None,
        "revoked_at": None,
        "last_used_at": None,
        **known,
    }
    return Lock(AccessKey(**fields), hashed(secret), None if former is None else hashed(former))


def test_a_key_is_read_back_from_its_text_and_no_two_are_the_same() -> None:
    keys = [new_key() for _ in range(200)]
    assert len({key.id for key in keys}) == len({key.secret for key in keys}) == 200
    for key in keys:
        assert parse_key(key.text) == key
        assert len(key.text) == 66
        assert key.secret not in repr(key)
    renewed = new_key(keys[0].id)
    assert (renewed.id, renewed.secret == keys[0].secret) == (keys[0].id, False)


@pytest.mark.parametrize("change", ["", "pk_", "pk__", "x", "\n", " ", "é", "\0"])
def test_what_is_no_key_is_none(change: str) -> None:
    good = new_key().text
    assert parse_key(change) is None
    assert change == "" or parse_key(good + change) is None
    assert parse_key(change + good[1:]) is None
    assert parse_key(good.upper()) is None


def test_a_lock_opens_to_its_secret_alone() -> None:
    ours, other = new_key().secret, new_key().secret
    assert lock(ours).opens(ours, NOW)
    for wrong in (other, "", ours[:-1], ours + "a", ours.upper(), "\ud800"):
        assert not lock(ours).opens(wrong, NOW)


def test_a_lock_opens_until_it_ends() -> None:
    secret = new_key().secret
    expiring = lock(secret, expires_at=NOW)
    assert expiring.opens(secret, NOW - SECOND)
    assert not expiring.opens(secret, NOW)
    assert not lock(secret, revoked_at=NOW).opens(secret, NOW)


def test_the_former_secret_opens_while_the_two_overlap() -> None:
    old, new = new_key().secret, new_key().secret
    rotated = lock(new, old, former_until=NOW)
    assert rotated.opens(old, NOW - SECOND)
    assert not rotated.opens(old, NOW)
    assert rotated.opens(new, NOW + SECOND)
    assert not lock(new, old, former_until=NOW, revoked_at=NOW).opens(old, NOW - SECOND)


def test_every_scope_says_what_it_lets_do() -> None:
    assert set(MEANING) == set(Scope)
    assert checked_scopes(["reports:read", "reports:read"]) == {Scope.REPORTS_READ}


@pytest.mark.parametrize(
    ("check", "value", "told"),
    [
        (checked_scopes, ["king"], "scopes: 'king' is none"),
        (checked_scopes, [], "scopes: give at least one"),
        (checked_name, "", "name: must be 1 to 100"),
        (checked_name, " a", "name: must be"),
        (checked_name, "a\nb", "name: must be"),
        (checked_name, "a" * 101, "name: must be"),
        (checked_sites, [""], "sites: an id has"),
    ],
)
def test_a_value_that_cannot_be_used_is_named(check: Any, value: Any, told: str) -> None:
    with pytest.raises(AccessError, match=told):
        check(value)
