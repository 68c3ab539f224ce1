"""Passwords as Mosquitto keeps them: PBKDF2 with SHA-512, salted, one line a user."""

import binascii
import hashlib
import os
import re
import secrets
from base64 import b64decode, b64encode
from collections.abc import Mapping
from typing import Final

from parking.errors import AccessError

ITERATIONS: Final = 101
"""Mosquitto's own choice. A password of ours cannot be guessed, so more would only slow its logins down."""
_SALT_BYTES: Final = 12
_PASSWORD_BYTES: Final = 24
_HASH: Final = re.compile(r"\$7\$(\d{1,7})\$([A-Za-z0-9+/=]+)\$([A-Za-z0-9+/=]+)")


def new_password() -> str:
    """192 random bits in 32 characters that fit into a URL as they are."""
    return secrets.token_urlsafe(_PASSWORD_BYTES)


def hashed(password: str) -> str:
    """What the broker keeps of a password."""
    salt = os.urandom(_SALT_BYTES)
    digest = _digest(password, salt, ITERATIONS)
    return f"$7${ITERATIONS}${b64encode(salt).decode()}${b64encode(digest).decode()}"


def fits(password: str, kept: str) -> bool:
    """Whether this is the password of which that was kept."""
    match = _HASH.fullmatch(kept)
    if match is None or not int(match[1]):
        return False
    try:
        salt, digest = b64decode(match[2], validate=True), b64decode(match[3], validate=True)
    except binascii.Error:
        return False
    return secrets.compare_digest(digest, _digest(password, salt, int(match[1])))


def read_passwords(text: str) -> dict[str, str]:
    """What is kept of each user. Raises AccessError that names the line that is not as it must be."""
    users: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line or line.startswith("#"):
            continue
        user, _, kept = line.partition(":")
        if not user or not _HASH.fullmatch(kept):
            raise AccessError(f"line {number} is not USER:$7$..., as mosquitto_passwd writes it")
        users[user] = kept
    return users


def write_passwords(users: Mapping[str, str]) -> str:
    """The text of Mosquitto's password_file."""
    return "".join(f"{user}:{kept}\n" for user, kept in users.items())


def _digest(password: str, salt: bytes, iterations: int) -> bytes:
    return hashlib.pbkdf2_hmac("sha512", password.encode(), salt, iterations)
