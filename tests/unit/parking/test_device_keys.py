"""The file of device keys: what it takes, and that no message of ours shows a secret."""

import json
from pathlib import Path
from typing import Any

import pytest

from parking.device_keys import cmac, load_device_keys
from parking.errors import DeviceKeyError

ONE, OTHER = "000102030405060708090a0b0c0d0e0f", "F0F1F2F3F4F5F6F7F8F9FAFBFCFDFEFF"


def written(folder: Path, document: Any, *, mode: int = 0o600) -> Path:
    path = folder / "device-keys.json"
    path.write_text(document if isinstance(document, str) else json.dumps(document))
    path.chmod(mode)
    return path


def key(number: Any = 1, secret: Any = ONE) -> dict[str, Any]:
    return {"key": number, "secret": secret}


def test_keys_are_read(tmp_path: Path) -> None:
    path = written(tmp_path, {"devices": {"ps-1": [key(), key(200, OTHER)]}})
    assert load_device_keys(path) == {"ps-1": {1: bytes.fromhex(ONE), 200: bytes.fromhex(OTHER)}}


@pytest.mark.parametrize(
    ("document", "told"),
    [
        ("{", "is no file of device keys"),
        ({}, "devices: Field required"),
        ({"devices": {"a/b": [key()]}}, "devices.a/b"),
        ({"devices": {"ps-1": []}}, "devices.ps-1: List should have at least 1"),
        (
            {"devices": {"ps-1": [key(n, f"{n:032x}") for n in range(3)]}},
            "devices.ps-1: List should have at most 2",
        ),
        ({"devices": {"ps-1": [key(256)]}}, "devices.ps-1.0.key"),
        ({"devices": {"ps-1": [key("1")]}}, "devices.ps-1.0.key"),
        ({"devices": {"ps-1": [key(secret=ONE[:-2])]}}, "devices.ps-1.0.secret"),
        ({"devices": {"ps-1": [key(secret=ONE[:-1] + "g")]}}, "devices.ps-1.0.secret"),
        ({"devices": {"ps-1": [key() | {"more": 1}]}}, "devices.ps-1.0.more"),
        ({"devices": {"ps-1": [key(), key(1, OTHER)]}}, "'ps-1' has two keys with one number"),
        (
            {"devices": {"ps-1": [key()], "ps-2": [key()]}},
            "key 1 of 'ps-2' has the same secret as key 1 of 'ps-1'",
        ),
        ({"devices": {"ps-1": [key(), key(2, ONE.upper())]}}, "has the same secret"),
    ],
)
def test_a_fault_is_told_without_a_secret(tmp_path: Path, document: Any, told: str) -> None:
    with pytest.raises(DeviceKeyError) as caught:
        load_device_keys(written(tmp_path, document))
    assert told in caught.value.message
    assert ONE[:-2] not in caught.value.message


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_a_file_that_others_can_read_is_refused(tmp_path: Path, mode: int) -> None:
    with pytest.raises(DeviceKeyError, match="open to other users") as caught:
        load_device_keys(written(tmp_path, {"devices": {}}, mode=mode))
    assert caught.value.hint is not None
    assert "chmod 600" in caught.value.hint


def test_a_file_that_is_not_there_or_a_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(DeviceKeyError, match="cannot be read: No such file"):
        load_device_keys(tmp_path / "none")
    with pytest.raises(DeviceKeyError, match="cannot be read: Is a directory"):
        load_device_keys(tmp_path)


def test_cmac_is_that_of_rfc_4493() -> None:
    secret = bytes.fromhex("2b7e151628aed2a6abf7158809cf4f3c")
    assert cmac(secret, b"").hex() == "bb1d6929e95937287fa37d129b756746"
