"""The MQTT topics of our own contract: builders, filters and a parser."""

import re
from dataclasses import dataclass
from typing import Final, Literal

Kind = Literal["bay", "gateway", "anpr", "availability", "sign"]
Leaf = Literal["up", "down", "read", ""]

ROOT: Final = "parking/v1"
BAY_UP_FILTER: Final = f"{ROOT}/+/bay/+/up"
BAY_DOWN_FILTER: Final = f"{ROOT}/+/bay/+/down"
GATEWAY_UP_FILTER: Final = f"{ROOT}/+/gateway/+/up"
ANPR_READ_FILTER: Final = f"{ROOT}/+/anpr/+/read"

_NAME: Final = r"[A-Za-z0-9._-]{1,64}"
_TOPIC: Final = re.compile(
    rf"{ROOT}/(?P<site>{_NAME})/(?:"
    rf"(?P<kind>bay|gateway|anpr|sign)/(?P<name>{_NAME})(?:/(?P<leaf>up|down|read))?|availability)"
)
_NAMED: Final[dict[tuple[str, str | None], tuple[Kind, Leaf]]] = {
    ("bay", "up"): ("bay", "up"),
    ("bay", "down"): ("bay", "down"),
    ("gateway", "up"): ("gateway", "up"),
    ("anpr", "read"): ("anpr", "read"),
    ("sign", None): ("sign", ""),
}


class TopicError(ValueError):
    """This name cannot be a level of a topic."""


@dataclass(frozen=True, slots=True)
class Topic:
    """One of our topics; `name` is the device, gateway, camera or sign, empty for availability."""

    site: str
    kind: Kind
    name: str = ""
    leaf: Leaf = ""

    def __str__(self) -> str:
        return "/".join(part for part in (ROOT, self.site, self.kind, self.name, self.leaf) if part)


def parse(topic: str) -> Topic | None:
    """The parts of one of our topics, or None if it is not ours."""
    match = _TOPIC.fullmatch(topic)
    if match is None:
        return None
    site, kind, name, leaf = match.group("site", "kind", "name", "leaf")
    if kind is None:
        return Topic(site, "availability")
    known = _NAMED.get((kind, leaf))
    return Topic(site, known[0], name, known[1]) if known else None


def bay_up(site: str, device: str) -> str:
    """Where a sensor publishes one frame."""
    return _build(Topic(site, "bay", device, "up"))


def bay_down(site: str, device: str) -> str:
    """Where a sensor listens for commands."""
    return _build(Topic(site, "bay", device, "down"))


def gateway_up(site: str, gateway: str) -> str:
    """Where a gateway publishes bundles."""
    return _build(Topic(site, "gateway", gateway, "up"))


def anpr_read(site: str, camera: str) -> str:
    """Where a camera publishes plate reads."""
    return _build(Topic(site, "anpr", camera, "read"))


def availability(site: str) -> str:
    """Where a site's retained snapshot is."""
    return _build(Topic(site, "availability"))


def sign(site: str, name: str) -> str:
    """Where a sign's retained message is."""
    return _build(Topic(site, "sign", name))


def _build(topic: Topic) -> str:
    text = str(topic)
    if parse(text) != topic:
        raise TopicError(f"{text!r}: names are 1 to 64 of A-Z a-z 0-9 . _ -")
    return text
