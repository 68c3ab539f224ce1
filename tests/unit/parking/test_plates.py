"""Plates: folding, tokens, and the life of the keys."""

import multiprocessing
import os
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from parking.errors import PlateKeyError
from parking.plates import KEY_SIZE, PlateKeys, fold

NOON = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)
PLATE = "LK21 XYZ"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "keys"


@pytest.fixture
def keys(folder: Path) -> PlateKeys:
    return PlateKeys(folder)


@pytest.mark.parametrize(
    ("plate", "folded"),
    [
        ("LK21 XYZ", "LK21XY2"),
        ("lk21-xyz", "LK21XY2"),
        ("BD51 SMR", "8051 5MR".replace(" ", "")),
        ("8O5I SMR", "80515MR"),
        ("GQ06 IZO", "6006120"),
        ("Ä1·ß", "A155"),
        ("", ""),
        ("・・", ""),
    ],
)
def test_look_alikes_fold_to_one(plate: str, folded: str) -> None:
    assert fold(plate) == folded


def test_folding_twice_changes_nothing() -> None:
    plate = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
    assert fold(fold(plate)) == fold(plate)


def test_a_token_is_the_same_for_two_reads_of_one_vehicle(keys: PlateKeys) -> None:
    token = keys.token("mews", "BD51 SMR", NOON)
    assert token == keys.token("mews", "8D5I5MR", NOON + timedelta(hours=11))
    assert len(token) == KEY_SIZE


def test_a_token_differs_by_plate_site_and_day(keys: PlateKeys) -> None:
    tokens = {
        keys.token("mews", PLATE, NOON),
        keys.token("mews", "LK21 XYA", NOON),
        keys.token("quay", PLATE, NOON),
        keys.token("mews", PLATE, NOON + DAY),
        keys.token("mews", PLATE, NOON - DAY),
    }
    assert len(tokens) == 5


def test_a_day_is_a_day_in_utc(keys: PlateKeys) -> None:
    midnight = datetime.fromisoformat("2026-03-05T01:30:00+02:00")
    assert keys.token("mews", PLATE, midnight) == keys.token("mews", PLATE, NOON)


def test_another_process_has_the_same_keys(keys: PlateKeys, folder: Path) -> None:
    assert keys.token("mews", PLATE, NOON) == PlateKeys(folder).token("mews", PLATE, NOON)


def _token(folder: Path) -> bytes:
    return PlateKeys(folder).token("mews", PLATE, NOON)


def test_processes_that_start_at_once_agree(folder: Path) -> None:
    PlateKeys(folder)
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        assert len(set(pool.map(_token, [folder] * 16, chunksize=1))) == 1
    assert [path.name for path in folder.iterdir()] == ["mews@2026-03-04.key"]


def test_keys_are_for_our_user_only(keys: PlateKeys, folder: Path) -> None:
    keys.token("mews", PLATE, NOON)
    (file,) = folder.iterdir()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert file.stat().st_size == KEY_SIZE


def test_a_stay_over_midnight_is_found(keys: PlateKeys) -> None:
    entry = keys.token("mews", PLATE, NOON)
    exit_tokens = keys.tokens("mews", PLATE, NOON + DAY, window=DAY)
    assert exit_tokens == (keys.token("mews", PLATE, NOON + DAY), entry)


def test_looking_back_makes_no_keys(keys: PlateKeys, folder: Path) -> None:
    assert len(keys.tokens("mews", PLATE, NOON, window=5 * DAY)) == 1
    assert len(list(folder.iterdir())) == 1


def test_a_key_dies_once_its_last_token_cannot_be_paired(keys: PlateKeys, folder: Path) -> None:
    token = keys.token("mews", PLATE, NOON)
    last_paired = datetime(2026, 3, 5, tzinfo=UTC) + DAY
    assert keys.destroy_old(last_paired - timedelta(seconds=1), DAY) == 0
    assert keys.token("mews", PLATE, NOON) == token
    assert keys.destroy_old(last_paired, DAY) == 1
    assert list(folder.iterdir()) == []
    assert keys.token("mews", PLATE, NOON) != token


def test_a_destroyed_key_is_overwritten_first(keys: PlateKeys, folder: Path, tmp_path: Path) -> None:
    keys.token("mews", PLATE, NOON)
    (file,) = folder.iterdir()
    kept = tmp_path / "kept"
    os.link(file, kept)
    before = kept.read_bytes()
    keys.destroy_old(NOON + 10 * DAY, DAY)
    assert len(kept.read_bytes()) == KEY_SIZE
    assert kept.read_bytes() != before


def test_only_keys_are_destroyed(keys: PlateKeys, folder: Path) -> None:
    for name in ("README", "mews@9999-99-99.key", ".new-0000"):
        (folder / name).write_bytes(b"x")
    assert keys.destroy_old(NOON + 10 * DAY, DAY) == 0
    assert len(list(folder.iterdir())) == 3


def test_what_a_dead_process_left_half_made_is_removed(keys: PlateKeys, folder: Path) -> None:
    left = folder / ".new-0000"
    left.write_bytes(b"x")
    os.utime(left, (0, 0))
    keys.destroy_old(NOON, DAY)
    assert list(folder.iterdir()) == []


def test_an_open_folder_is_refused(folder: Path) -> None:
    folder.mkdir(mode=0o700)
    folder.chmod(0o750)
    with pytest.raises(PlateKeyError, match="open to other users") as caught:
        PlateKeys(folder)
    assert caught.value.hint == f"Run: chmod 700 {folder}"


def test_an_open_key_is_refused(keys: PlateKeys, folder: Path) -> None:
    keys.token("mews", PLATE, NOON)
    next(folder.iterdir()).chmod(0o644)
    with pytest.raises(PlateKeyError, match="open to other users"):
        PlateKeys(folder).token("mews", PLATE, NOON)


def test_a_damaged_key_is_refused(folder: Path) -> None:
    keys = PlateKeys(folder)
    file = folder / "mews@2026-03-04.key"
    file.write_bytes(b"short")
    file.chmod(0o600)
    with pytest.raises(PlateKeyError, match="has not 32 bytes") as caught:
        keys.token("mews", PLATE, NOON)
    assert caught.value.hint


def test_a_file_in_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "keys").write_text("")
    with pytest.raises(PlateKeyError, match="cannot be used") as caught:
        PlateKeys(tmp_path / "keys")
    assert "PARKING_PLATE_KEY_DIR" in (caught.value.hint or "")


def test_a_link_in_place_of_a_key_is_refused(keys: PlateKeys, folder: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_bytes(bytes(KEY_SIZE))
    (folder / "mews@2026-03-04.key").symlink_to(elsewhere)
    with pytest.raises(PlateKeyError):
        keys.token("mews", PLATE, NOON)


@pytest.mark.parametrize("site", ["", "../up", "a/b", "a@b", "x" * 65])
def test_a_site_cannot_lead_out_of_the_folder(keys: PlateKeys, site: str) -> None:
    with pytest.raises(PlateKeyError, match="cannot be the id of a site"):
        keys.token(site, PLATE, NOON)


def test_nothing_shows_a_plate_or_a_key(keys: PlateKeys, folder: Path) -> None:
    token = keys.token("mews", PLATE, NOON)
    (file,) = folder.iterdir()
    assert PLATE.replace(" ", "") not in file.name
    told = repr(keys) + str(keys)
    assert token.hex() not in told
    assert file.read_bytes().hex() not in told
