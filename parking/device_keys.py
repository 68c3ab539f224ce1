"""The keys of sensors that seal their frames: a file outside the database, and AES-CMAC under them.

The file is JSON: {"devices": {"ps-0001a7": [{"key": 1, "secret": "<32 hex digits>"}, ...]}}, with at most two
keys for a device. It must be readable by its owner alone.
"""

import json
import os
import stat
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Final

from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.cmac import CMAC
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from parking.errors import DeviceKeyError

SECRET_SIZE: Final = 16
MOST_KEYS: Final = 2
"""Keys of a device that are good at a time: the present one and the next one."""

DeviceKeys = Mapping[str, Mapping[int, bytes]]
"""The secrets of each device, by the number of the key."""


class _Key(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, hide_input_in_errors=True)
    key: int = Field(ge=0, le=255)
    secret: Annotated[str, Field(pattern=r"^[0-9a-fA-F]{32}$")]


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, hide_input_in_errors=True)
    devices: dict[
        Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,64}$")],
        Annotated[list[_Key], Field(min_length=1, max_length=MOST_KEYS)],
    ]


def cmac(secret: bytes, data: bytes) -> bytes:
    """AES-CMAC (RFC 4493) in full, 16 bytes."""
    context = CMAC(AES(secret))
    context.update(data)
    return context.finalize()


def load_device_keys(path: Path) -> DeviceKeys:
    """The keys of a file. Raises DeviceKeyError that names the place and the rule, and never a secret."""
    return parse_device_keys(_read(path), path)


def parse_device_keys(text: str | bytes, path: Path) -> DeviceKeys:
    """The keys of this text, which is or will be the file's. Raises as `load_device_keys`."""
    try:
        parsed = _File.model_validate_json(text)
    except ValidationError as error:
        faults = [f"{'.'.join(map(str, e['loc'])) or 'the file'}: {e['msg']}" for e in error.errors()]
        raise DeviceKeyError(f"{path} is no file of device keys:\n  " + "\n  ".join(faults)) from None
    found: dict[str, dict[int, bytes]] = {}
    for device, keys in parsed.devices.items():
        found[device] = {key.key: bytes.fromhex(key.secret) for key in keys}
        if len(found[device]) < len(keys):
            raise DeviceKeyError(f"{path}: device {device!r} has two keys with one number")
    _check_secrets(path, found.items())
    return found


def device_keys_text(keys: Mapping[str, Mapping[int, bytes]]) -> str:
    """The text of a file of these keys."""
    devices = {
        device: [{"key": number, "secret": secret.hex()} for number, secret in own.items()]
        for device, own in keys.items()
    }
    return json.dumps({"devices": devices}, indent=1) + "\n"


def _check_secrets(path: Path, devices: Iterable[tuple[str, Mapping[int, bytes]]]) -> None:
    """A secret serves once (SPEC A-1): else one device could speak for another."""
    owners: dict[bytes, str] = {}
    for device, keys in devices:
        for number, secret in keys.items():
            owner = owners.setdefault(secret, f"key {number} of {device!r}")
            if owner != f"key {number} of {device!r}":
                raise DeviceKeyError(f"{path}: key {number} of {device!r} has the same secret as {owner}")


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            text = file.read()
    except OSError as error:
        raise DeviceKeyError(f"The device keys {path} cannot be read: {error.strerror}") from error
    if mode & 0o077:
        raise DeviceKeyError(
            f"The device keys {path} are open to other users (mode {stat.S_IMODE(mode):o})",
            hint=f"Run: chmod 600 {path}. If others may have read them, give the devices new keys.",
        )
    return text
