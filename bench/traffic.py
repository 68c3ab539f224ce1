"""What the benchmarks send: a town's registry, and encoded messages of its bays, whose state alternates."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, Literal

import numpy as np

from bench.mqtt import Packets, encode_publishes
from firmware_protocol import codec, topics
from firmware_protocol.frames import Bundle, BundleEntry, FrameType, State, StateFrame
from firmware_protocol.sealed import seal
from parking.device_keys import SECRET_SIZE, cmac, device_keys_text
from parking.registry import Registry, parse_registry
from sensors_sim import lorawan

BAYS_PER_SITE: Final = 50
"""Also the frames of a bundle: each site has one gateway."""
UPLINK_SPACING_S: Final = 60.0
"""Between the network's times of a device's uplinks, which lie in the past."""
FRAME_FILTER: Final = topics.BAY_UP_FILTER
BUNDLE_FILTER: Final = topics.GATEWAY_UP_FILTER
UPLINK_FILTERS: Final = ("v3/+/devices/+/up", "application/+/device/+/event/up")

Sensors = Literal["parking-v1", "lorawan"]


@dataclass(slots=True)
class Town:
    """Bays by number; bay n belongs to site n // BAYS_PER_SITE. `told` is how often each has changed."""

    bays: int
    sensors: Sensors = "parking-v1"
    seed: int = 1
    told: int = 0
    _random: np.random.Generator = field(init=False)

    def __post_init__(self) -> None:
        self._random = np.random.default_rng(self.seed)

    @property
    def sites(self) -> list[str]:
        """The ids of the sites."""
        return [site_id(number) for number in range(-(-self.bays // BAYS_PER_SITE))]

    def registry(self) -> Registry:
        """The registry that knows all of it."""
        sites = [
            {
                "id": site_id(number),
                "name": f"Street {number}",
                "kind": "on_street",
                "counting": "bays",
                "bays": [
                    {"id": bay_id(bay), "sensor": self._sensor(bay)}
                    for bay in range(number * BAYS_PER_SITE, min((number + 1) * BAYS_PER_SITE, self.bays))
                ],
            }
            for number in range(len(self.sites))
        ]
        return parse_registry({"sites": sites}, source="benchmark")

    def order(self) -> list[int]:
        """Every bay once, in random order."""
        shuffled: list[int] = self._random.permutation(self.bays).tolist()
        return shuffled

    def _sensor(self, bay: int) -> dict[str, Any]:
        if self.sensors == "parking-v1":
            return {"id": device_id(bay), "codec": "parking-v1", "heartbeat_s": 3600}
        return {"id": eui(bay), "codec": "pni-placepod" if bay % 2 else "bosch-tps110", "heartbeat_s": 86400}


@dataclass(frozen=True, slots=True)
class Traffic:
    """Messages on the wire, how many events they tell, and the bay of the last with its events so far."""

    packets: Packets
    filters: tuple[str, ...]
    events: int
    last_bay: str
    last_bay_events: int

    @property
    def messages(self) -> int:
        """How many messages there are."""
        return len(self.packets)


def site_id(number: int) -> str:
    """The id of a site: all have the same length."""
    return f"street-{number:05d}"


def bay_id(bay: int) -> str:
    """The id of a bay."""
    return f"bay-{bay:06d}"


def device_id(bay: int) -> str:
    """The id of a bay's sensor that speaks our own frames."""
    return f"sensor-{bay:06d}"


def eui(bay: int) -> str:
    """The EUI-64 of a bay's LoRaWAN sensor."""
    return f"70b3d57ed{bay:07x}"


def frames(town: Town, rounds: int, *, expiring: bool = False) -> Traffic:
    """Every bay changes once a round, bays in random order; one frame each message, age 0."""

    last_order = town.order()
    names = [_topic(bay) for bay in range(town.bays)]

    def messages() -> Iterator[tuple[str, bytes]]:
        for turn in range(rounds):
            payload = codec.encode(_frame(town.told + turn))
            for bay in last_order if turn == rounds - 1 else town.order():
                yield names[bay], payload

    packets = encode_publishes(messages(), expiring=expiring)
    return _traffic(town, rounds, packets, (FRAME_FILTER,), last_order[-1])


def sealed_frames(town: Town, rounds: int) -> Traffic:
    """As `frames`, each sealed under the key and the next counter of its sensor."""
    last_order = town.order()
    names = [_topic(bay) for bay in range(town.bays)]
    macs = [partial(cmac, secret(bay)) for bay in range(town.bays)]

    def messages() -> Iterator[tuple[str, bytes]]:
        for turn in range(rounds):
            told = town.told + turn
            body = codec.encode(_frame(told))
            for bay in last_order if turn == rounds - 1 else town.order():
                yield names[bay], seal(body, device=device_id(bay), key=1, counter=told, mac=macs[bay])

    packets = encode_publishes(messages())
    return _traffic(town, rounds, packets, (FRAME_FILTER,), last_order[-1])


def secret(bay: int) -> bytes:
    """The key of a bay's sensor."""
    return hashlib.sha256(f"bench {bay}".encode()).digest()[:SECRET_SIZE]


def keys_text(town: Town) -> str:
    """The text of a file with every sensor's key."""
    return device_keys_text({device_id(bay): {1: secret(bay)} for bay in range(town.bays)})


def bundles(town: Town, rounds: int, *, held_s: int = 0) -> Traffic:
    """Every bay changes once a round; a site's gateway sends its 50 frames together, after so long."""

    def messages() -> Iterator[tuple[str, bytes]]:
        for turn in range(rounds):
            frame = _frame(town.told + turn)
            for number, site in enumerate(town.sites):
                bays = range(number * BAYS_PER_SITE, min((number + 1) * BAYS_PER_SITE, town.bays))
                bundle = Bundle(tuple(BundleEntry(device_id(bay), held_s, frame) for bay in bays))
                yield topics.gateway_up(site, f"gateway-{number:05d}"), codec.encode_bundle(bundle)

    packets = encode_publishes(messages())
    return _traffic(town, rounds, packets, (BUNDLE_FILTER,), town.bays - 1)


def uplinks(town: Town, rounds: int, *, now: float) -> Traffic:
    """Every bay changes once a round: Bosch sensors by The Things Stack, PlacePods by ChirpStack, in turn.

    `now` (Unix seconds) is when the benchmark runs; the uplinks were heard in the hours before.
    """
    last_order = town.order()
    sessions = [lorawan.session_of(town.seed, bay) for bay in range(town.bays)]

    def messages() -> Iterator[tuple[str, bytes]]:
        for turn in range(rounds):
            told = town.told + turn
            heard_at = now - 86_400 + told * UPLINK_SPACING_S
            for bay in last_order if turn == rounds - 1 else town.order():
                yield _uplink(bay, told, heard_at, sessions[bay])

    packets = encode_publishes(messages())
    return _traffic(town, rounds, packets, UPLINK_FILTERS, last_order[-1])


def some(town: Town, bays: Sequence[int]) -> Traffic:
    """The next change of each of these bays, in this order, as single frames; the town's last traffic."""
    payload = codec.encode(_frame(town.told))
    packets = encode_publishes((_topic(bay), payload) for bay in bays)
    return Traffic(packets, (FRAME_FILTER,), len(bays), bay_id(bays[-1]), town.told + 1)


def _traffic(town: Town, rounds: int, packets: Packets, filters: tuple[str, ...], last: int) -> Traffic:
    town.told += rounds
    return Traffic(packets, filters, rounds * town.bays, bay_id(last), town.told)


def _topic(bay: int) -> str:
    return topics.bay_up(site_id(bay // BAYS_PER_SITE), device_id(bay))


def _frame(told: int) -> StateFrame:
    """The frame of a bay's change number `told`: the first says vacant."""
    return StateFrame(
        type=FrameType.EVENT,
        state=State.OCCUPIED if told % 2 else State.VACANT,
        boot=1,
        seq=told % 65_536,
        age_s=0,
        previous_s=600,
        battery_v=3.6,
        temperature_c=11,
    )


def _uplink(bay: int, told: int, heard_at: float, session: bytes) -> tuple[str, bytes]:
    occupied, bosch = bool(told % 2), bay % 2 == 0
    payload = (
        lorawan.bosch_payload(lorawan.BOSCH_CHANGE, occupied, 11)
        if bosch
        else lorawan.placepod_payload(
            occupied=occupied, heartbeat=False, boot=False, battery_v=3.6, temp_c=11
        )
    )
    uplink = lorawan.Uplink(
        eui=eui(bay),
        session=session,
        f_cnt=told,
        f_port=lorawan.BOSCH_CHANGE if bosch else 2,
        payload=payload,
        heard_at=heard_at,
    )
    if bosch:
        return lorawan.tts_topic(uplink.eui), lorawan.tts_message(uplink)
    return lorawan.chirpstack_topic(uplink.eui), lorawan.chirpstack_message(uplink)
