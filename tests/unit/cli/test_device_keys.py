"""`parking device key`: keys are made, listed without their secrets, changed and removed."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cli.main import app
from parking.device_keys import load_device_keys
from parking.errors import DeviceKeyError, ParkingError


def key(*arguments: str) -> str:
    done = CliRunner().invoke(app, ["device", "key", *arguments], prog_name="parking")
    if isinstance(done.exception, ParkingError):
        raise done.exception
    assert done.exit_code == 0, done.output
    return done.stdout


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "keys.json"


def added(path: Path, device: str = "ps-1") -> dict[str, Any]:
    found: dict[str, Any] = json.loads(key("add", device, "--file", str(path), "--json"))
    return found


def test_a_key_is_made_shown_once_and_readable_by_its_owner_alone(path: Path) -> None:
    made = added(path)
    assert load_device_keys(path) == {"ps-1": {1: bytes.fromhex(made["secret"])}}
    assert path.stat().st_mode & 0o777 == 0o600
    for shown in (key("list", "--file", str(path)), key("list", "--file", str(path), "--json")):
        assert "ps-1" in shown
        assert made["secret"] not in shown


def test_a_key_is_changed_without_a_gap_and_its_number_is_not_given_again(path: Path) -> None:
    assert [added(path)["key"], added(path)["key"]] == [1, 2]
    with pytest.raises(DeviceKeyError, match="two keys already, 1 and 2"):
        added(path)
    key("remove", "ps-1", "1", "--file", str(path))
    assert added(path)["key"] == 3
    assert list(load_device_keys(path)["ps-1"]) == [2, 3]


def test_the_last_key_goes_only_when_told_so(path: Path) -> None:
    added(path)
    added(path, "ps-2")
    with pytest.raises(DeviceKeyError, match="plain frames count again"):
        key("remove", "ps-1", "1", "--file", str(path))
    with pytest.raises(DeviceKeyError, match="has no key 9: its keys are 1"):
        key("remove", "ps-1", "9", "--file", str(path))
    key("remove", "ps-1", "1", "--last", "--file", str(path))
    assert list(load_device_keys(path)) == ["ps-2"]


def test_an_id_that_no_device_can_have_is_refused_and_the_file_stays(path: Path) -> None:
    added(path)
    before = path.read_bytes()
    with pytest.raises(DeviceKeyError, match="is no file of device keys"):
        added(path, "no such/device")
    assert path.read_bytes() == before


def test_without_a_file_it_says_how_to_name_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PARKING_DEVICE_KEY_FILE", raising=False)
    with pytest.raises(ParkingError, match="which file of keys is not known"):
        key("add", "ps-1")
