"""Passwords in the broker's own form."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parking.errors import AccessError
from parking.passwords import fits, hashed, new_password, read_passwords, write_passwords

# As `mosquitto_passwd` 2.0.21 wrote it for the password `test-only`.
BY_MOSQUITTO = (
    "$7$101$f4j8k3/f+42B9ord$8FrFE5Aprfq/w4dom/uCXz86woI7PECgCZIT"
    "vRa/Db0PAr2m9f69vgcJXL1muj5JwNrBIIHWAtNmxPG0XpYGKQ=="
)


@given(st.text(max_size=50), st.text(max_size=50))
def test_a_hash_fits_its_password_only(password: str, other: str) -> None:
    kept = hashed(password)
    assert fits(password, kept)
    assert fits(other, kept) is (other == password)
    assert kept != hashed(password)


def test_the_broker_s_own_tool_means_the_same() -> None:
    assert fits("test-only", BY_MOSQUITTO)
    assert not fits("test-onl", BY_MOSQUITTO)


@given(st.text(max_size=100))
def test_any_text_is_read_or_told(text: str) -> None:
    told, users = "", dict[str, str]()
    try:
        users = read_passwords(text)
    except AccessError as error:
        told = error.message
    assert told[:5] in ("", "line ")
    assert read_passwords(write_passwords(users)) == users


@given(st.text(max_size=60))
def test_nothing_fits_what_is_no_hash(kept: str) -> None:
    assert not fits("password", kept)


def test_what_was_written_is_read() -> None:
    users = {"s/bay/a": hashed("x"), "reader/b": hashed("y")}
    assert read_passwords("# a comment\n\n" + write_passwords(users)) == users


@pytest.mark.parametrize("line", ["user", "user:password", ":$7$101$AA==$AA==", "user:$6$AA==$AA=="])
def test_a_spoilt_line_is_named(line: str) -> None:
    with pytest.raises(AccessError, match="line 2"):
        read_passwords(f"# first\n{line}\n")


def test_passwords_are_long_and_fit_into_a_url() -> None:
    many = {new_password() for _ in range(100)}
    assert len(many) == 100
    assert all(len(one) == 32 and one.replace("-", "").replace("_", "").isalnum() for one in many)
