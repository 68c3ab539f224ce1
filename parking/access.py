"""Who may do what at the broker: roles, user names, and the rules that Mosquitto reads.

A device's user name is the middle of its topic (`{site}/bay/{device}`), so that one rule with the broker's
`%u` serves any number of devices. Any other user has rules of its own.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from firmware_protocol.topics import ROOT
from parking.errors import AccessError


class Role(StrEnum):
    """What the holder of a credential is."""

    DEVICE = "device"
    GATEWAY = "gateway"
    CAMERA = "camera"
    NETWORK_SERVER = "network-server"
    FRIGATE = "frigate"
    READER = "reader"
    INGESTOR = "ingestor"
    OPERATOR = "operator"
    MONITOR = "monitor"
    SIMULATOR = "simulator"


LEVELS: Final = {Role.DEVICE: "bay", Role.GATEWAY: "gateway", Role.CAMERA: "anpr"}
"""The roles that belong to a site, and the level of their topics."""

_SITE_RULES: Final = {
    Role.DEVICE: (("write", f"{ROOT}/%u/up"), ("read", f"{ROOT}/%u/down")),
    Role.GATEWAY: (("write", f"{ROOT}/%u/up"),),
    Role.CAMERA: (("write", f"{ROOT}/%u/read"),),
}
"""The broker puts the user name in the place of %u."""

PATTERNS: Final = tuple(dict.fromkeys(rule for rules in _SITE_RULES.values() for rule in rules))
"""The rules of all roles that belong to a site. A camera may so publish to an `up` of its own: nobody's."""

NETWORK_SERVERS: Final = {
    "things-stack": (("write", "v3/#"), ("read", "v3/+/devices/+/down/+")),
    "chirpstack": (
        ("write", "application/+/device/+/event/+"),
        ("read", "application/+/device/+/command/down"),
    ),
    "loriot": (("write", "lorawan/loriot/+/up"),),
    "thingpark": (("write", "lorawan/thingpark/+/up"),),
    "helium": (("write", "lorawan/helium/+/up"), ("write", "helium/+/rx")),
    "aws-iot": (("write", "lorawan/aws-iot/+/up"),),
}
"""A network server's id begins with one of these: `chirpstack`, or `chirpstack.west` for a second one."""

_UPLINKS: Final = (
    f"{ROOT}/+/bay/+/up",
    f"{ROOT}/+/gateway/+/up",
    f"{ROOT}/+/anpr/+/read",
    *(topic for rules in NETWORK_SERVERS.values() for access, topic in rules if access == "write"),
    "frigate/#",
)
_SHOWN: Final = (f"{ROOT}/+/availability", f"{ROOT}/+/sign/+")

_RULES: Final = {
    Role.FRIGATE: (("write", "frigate/#"),),
    Role.READER: tuple(("read", topic) for topic in _SHOWN),
    Role.INGESTOR: (
        ("read", "parking/#"),
        *(("read", topic) for topic in _UPLINKS if not topic.startswith(ROOT)),
        *(("write", topic) for topic in _SHOWN),
    ),
    Role.OPERATOR: (
        ("write", f"{ROOT}/+/bay/+/down"),
        ("write", "v3/+/devices/+/down/+"),
        ("write", "application/+/device/+/command/down"),
    ),
    Role.MONITOR: (("read", "$SYS/#"),),
    Role.SIMULATOR: tuple(("write", topic) for topic in _UPLINKS),
}

NAME: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")


@dataclass(frozen=True, slots=True)
class Holder:
    """Whose a credential is; `site` only for the roles that belong to one. See `holder`."""

    role: Role
    name: str
    site: str | None = None

    @property
    def user(self) -> str:
        """The name by which the broker knows it."""
        if self.site is None:
            return f"{self.role}/{self.name}"
        return f"{self.site}/{LEVELS[self.role]}/{self.name}"

    @property
    def rules(self) -> tuple[tuple[str, str], ...]:
        """What it may `write` (publish) and `read` (receive), as topic filters."""
        if self.role in LEVELS:
            rules = _SITE_RULES[self.role]
            return tuple((access, topic.replace("%u", self.user)) for access, topic in rules)
        if self.role is Role.NETWORK_SERVER:
            return NETWORK_SERVERS[self.name.partition(".")[0]]
        return _RULES[self.role]


def holder(role: Role, name: str, site: str | None = None) -> Holder:
    """A holder whose names are checked. Raises AccessError that names the field, the value and the rule."""
    if (site is not None) is not (role in LEVELS):
        needs = "belongs to a site" if role in LEVELS else "belongs to no site"
        raise AccessError(f"site: a {role} {needs} (found {site!r})", hint="See --site.")
    for field, value in (("id", name), ("site", site)):
        if value is not None and not NAME.fullmatch(value):
            raise AccessError(f"{field}: must be 1 to 64 of A-Z a-z 0-9 . _ - (found {value!r:.80})")
    if role is Role.NETWORK_SERVER and name.partition(".")[0] not in NETWORK_SERVERS:
        known = ", ".join(NETWORK_SERVERS)
        raise AccessError(
            f"id: a network server's is one of {known}, alone or with a dot and a name (found {name!r})"
        )
    return Holder(role, name, site)


def holder_of(user: str) -> Holder | None:
    """The holder with this user name; None if it is no name of ours."""
    parts = user.split("/")
    levels = {level: role for role, level in LEVELS.items()}
    try:
        if len(parts) == 3 and parts[1] in levels:
            return holder(levels[parts[1]], parts[2], parts[0])
        return holder(Role(parts[0]), parts[1]) if len(parts) == 2 else None
    except (ValueError, AccessError):
        return None


def access_file(users: Iterable[str]) -> str:
    """The text of Mosquitto's acl_file for these users. One with a name that is not ours may do nothing."""
    lines = ["# Made by `parking credentials`; changes by hand are lost.", ""]
    lines += [f"pattern {access} {topic}" for access, topic in PATTERNS]
    for user in users:
        known = holder_of(user)
        if known is not None and known.site is None:
            lines += ["", f"user {user}", *(f"topic {access} {topic}" for access, topic in known.rules)]
    return "\n".join(lines) + "\n"
