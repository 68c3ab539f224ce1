"""Simulated sensors that have a key: what they send can be verified, and they obey sealed commands alone."""

from functools import partial

from firmware_protocol.codec import encode
from firmware_protocol.commands import Command, Operation, encode_command
from firmware_protocol.frames import FrameType, State, StateFrame
from firmware_protocol.sealed import Direction, seal
from ingest.authentic import Verifier
from parking.device_keys import cmac
from sensors_sim.sealing import Sealer

OLD, NEW = bytes(range(16)), bytes(range(16, 32))
KEYS = {"ps-1": {1: OLD, 2: NEW}}
FRAME = encode(StateFrame(type=FrameType.EVENT, state=State.OCCUPIED, boot=1, seq=1, age_s=0))
COMMAND = encode_command(Command(id=7, operation=Operation.STATUS))


def downwards(counter: int, *, secret: bytes = NEW, direction: Direction = Direction.DOWN) -> bytes:
    return seal(
        COMMAND, device="ps-1", key=2, counter=counter, mac=partial(cmac, secret), direction=direction
    )


def test_each_frame_is_sealed_under_the_newest_key_and_a_higher_counter_also_after_a_restart() -> None:
    now = [1000.0]
    verifier, counters = Verifier(KEYS), []
    for _ in range(2):
        sealer = Sealer(KEYS, clock=lambda: now[0])
        for _ in range(3):
            opened = verifier.open("ps-1", sealer.seal("ps-1", FRAME))
            assert (opened.body, opened.seal.key) == (FRAME, 2)
            counters.append(opened.seal.counter)
        now[0] += 5
    assert counters == [1000, 1001, 1002, 1005, 1006, 1007]


def test_a_sensor_without_a_key_speaks_and_listens_plain() -> None:
    sealer = Sealer(KEYS)
    assert sealer.seal("ps-2", FRAME) == FRAME
    assert sealer.command("ps-2", COMMAND) == COMMAND


def test_a_sensor_with_a_key_obeys_each_sealed_command_once_and_no_other() -> None:
    sealer = Sealer(KEYS)
    assert sealer.command("ps-1", COMMAND) is None
    assert sealer.command("ps-1", b"") is None
    assert sealer.command("ps-1", downwards(5, secret=OLD)) is None
    assert sealer.command("ps-1", downwards(5, direction=Direction.UP)) is None
    assert sealer.command("ps-1", downwards(5)) == COMMAND
    assert sealer.command("ps-1", downwards(5)) is None
    assert sealer.command("ps-1", downwards(6)) == COMMAND
