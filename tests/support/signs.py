"""A street with signs that remember and one that does not, and a broker that keeps what is retained."""

from typing import Any

from parking.registry import Registry, parse_registry

STREET = "street-0"
THRESHOLDS = {"full_increasing": 1, "full_decreasing": 3}


def signed_street(*signs: dict[str, Any], bays: int = 6) -> Registry:
    """One street with these signs; by default `plain`, and `slow`, which remembers."""
    listed = list(signs) or [
        {"id": "plain", "name": "High Street"},
        {"id": "slow", "thresholds": THRESHOLDS},
    ]
    site = {
        "id": STREET,
        "name": "Street",
        "kind": "on_street",
        "counting": "bays",
        "bays": [{"id": f"{STREET}-{n}", "sensor": {"id": f"sensor-{n}"}} for n in range(bays)],
        "signs": listed,
    }
    return parse_registry({"sites": [site]}, source="signs")


def states(free: int, *, unknown: int = 0, bays: int = 6) -> dict[str, str]:
    """States of its bays: so many free, so many unknown, the rest taken."""
    told = ["vacant"] * free + ["unknown"] * unknown + ["occupied"] * (bays - free - unknown)
    return {f"{STREET}-{n}": state for n, state in enumerate(told)}


class Shelf:
    """A source that can only publish: what it holds retained, and how often it was given each topic."""

    def __init__(self) -> None:
        self.connected = True
        self.generation = 1
        self.takes = True
        self.retained: dict[str, bytes] = {}
        self.given: list[str] = []

    def publish(self, topic: str, payload: bytes, *, retain: bool) -> bool:
        """Take a retained message, if it `takes` any; an empty one clears the topic, as a broker does."""
        assert retain
        if not self.takes:
            return False
        self.given.append(topic)
        if payload:
            self.retained[topic] = payload
        else:
            self.retained.pop(topic, None)
        return True
