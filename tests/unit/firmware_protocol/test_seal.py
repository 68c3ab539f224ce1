"""Sealed frames: published intermediate values, the C library beside `cryptography`, forgery and replay."""

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.cmac import CMAC
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from firmware_protocol import vectors
from firmware_protocol.frames import FrameError
from firmware_protocol.layout import MAC_SIZE
from firmware_protocol.sealed import Direction, mac_input, seal, split
from firmware_protocol.window import Window

SEALED = [row for row in vectors.load() if row.secret]
DIRECTIONS = {"up": Direction.UP, "down": Direction.DOWN}
KEY = bytes(range(16))
EVENT = bytes.fromhex("110502000100040078a1fc")
# The examples of RFC 4493, section 4: the first bytes of one message under one key.
RFC_KEY = bytes.fromhex("2b7e151628aed2a6abf7158809cf4f3c")
RFC_MESSAGE = bytes.fromhex(
    "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51"
    "30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710"
)
RFC_MACS = {
    0: "bb1d6929e95937287fa37d129b756746",
    16: "070a16b46b4d4144f79bdd9dd04a287c",
    40: "dfa66747de9ae63030ca32611497c827",
    64: "51f0bebf7e3b9d92fc49741779363cfe",
}


def encrypt(key: bytes, block: bytes) -> bytes:
    return Cipher(algorithms.AES(key), modes.ECB()).encryptor().update(block)  # one block: nothing to chain


def cmac(key: bytes, data: bytes) -> bytes:
    context = CMAC(algorithms.AES(key))
    context.update(data)
    return context.finalize()


def doubled(block: bytes) -> bytes:
    number = int.from_bytes(block) << 1
    return ((number ^ (0x87 if number >> 128 else 0)) & (1 << 128) - 1).to_bytes(16)


class Library:
    """The C library in a process of its own, which asks us for each block of AES."""

    def __init__(self, program: Path) -> None:
        self._process = subprocess.Popen(
            [program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def ask(self, *words: str | int, key: bytes = KEY) -> list[str]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._say(" ".join(map(str, words)))
        while (line := self._process.stdout.readline()).startswith("block "):
            self._say(encrypt(key, bytes.fromhex(line.split()[1])).hex())
        assert line.startswith("= "), self._process.communicate()[1]
        return line.split()[1:]

    def _say(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def end(self) -> None:
        _, complaints = self._process.communicate(timeout=20)
        assert (self._process.returncode, complaints) == (0, "")


@pytest.fixture(scope="module")
def library(compile_c: Callable[[Path], Path]) -> Iterator[Library]:
    running = Library(compile_c(Path(__file__).with_name("seal_driver.c")))
    yield running
    running.end()


@pytest.mark.parametrize("row", SEALED, ids=lambda row: row.name)
def test_published_intermediate_values_lead_to_the_published_bytes(row: vectors.Vector) -> None:
    assert row.secret is not None
    key, device = bytes.fromhex(row.secret["key"]), row.secret["device"]
    direction = DIRECTIONS[row.secret["direction"]]
    k1 = doubled(encrypt(key, bytes(16)))
    assert (k1.hex(), doubled(k1).hex()) == (row.secret["k1"], row.secret["k2"])
    sealed = split(row.data)
    covered = mac_input(device, direction, sealed.signed)
    assert covered.hex() == row.secret["mac_input"]
    assert cmac(key, covered).hex() == row.secret["mac"]
    assert sealed.mac == cmac(key, covered)[:MAC_SIZE]
    again = seal(
        sealed.body,
        device=device,
        key=sealed.key,
        counter=sealed.counter,
        mac=lambda data: cmac(key, data),
        direction=direction,
    )
    assert again == row.data


@pytest.mark.parametrize(("size", "mac"), RFC_MACS.items())
def test_c_makes_the_macs_of_rfc_4493(library: Library, size: int, mac: str) -> None:
    assert library.ask("cmac", RFC_MESSAGE[:size].hex() or "-", key=RFC_KEY) == [mac]


@pytest.mark.parametrize("row", SEALED, ids=lambda row: row.name)
def test_c_verifies_every_published_frame_and_none_with_a_changed_bit(
    library: Library, row: vectors.Vector
) -> None:
    assert row.secret is not None
    key, device, way = bytes.fromhex(row.secret["key"]), row.secret["device"], row.secret["direction"]
    words = ("verify", row.data[1], device, DIRECTIONS[way])
    library.ask("forget")
    for bit in range(8 * len(row.data)):
        changed = bytearray(row.data)
        changed[bit // 8] ^= 1 << bit % 8
        if bit % 7 == 0 or bit > 8 * len(row.data) - 70:  # all of the MAC, and a sample of what it covers
            answer = library.ask(*words, changed.hex(), key=key)
            assert answer[0] in ("forged", "bad_version", "bad_type"), bit
            assert answer[1:] == ["0", "0" * 16]  # a forgery does not touch the window
    assert library.ask(*words, row.data.hex(), key=key)[0] == "ok"
    assert library.ask(*words, row.data.hex(), key=key)[0] == "replayed"


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    body=st.binary(min_size=1, max_size=241).filter(lambda body: body[0] not in (0x15, 0x17)),
    counter=st.integers(0, 0xFFFF_FFFE),
    number=st.integers(0, 255),
    device=st.text("abcdefghijklmnopqrstuvwxyz0123456789._-", min_size=1, max_size=32),
    direction=st.sampled_from(Direction),
    key=st.binary(min_size=16, max_size=16),
)
def test_c_and_python_seal_alike(
    library: Library,
    body: bytes,
    counter: int,
    number: int,
    device: str,
    direction: Direction,
    key: bytes,
) -> None:
    expected = seal(
        body,
        device=device,
        key=number,
        counter=counter,
        mac=lambda data: cmac(key, data),
        direction=direction,
    )
    answer = library.ask("seal", number, device, direction, counter, body.hex(), key=key)
    assert answer == ["ok", str(counter + 1), expected.hex()]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.integers(0, 150) | st.integers(0xFFFF_FF00, 0xFFFF_FFFE) | st.integers(0, 0xFFFF_FFFE), max_size=40
    )
)
def test_c_and_python_keep_the_same_window(library: Library, counters: list[int]) -> None:
    library.ask("forget")
    window = Window()
    for counter in counters:
        frame = seal(EVENT, device="d", key=1, counter=counter, mac=lambda data: cmac(KEY, data))
        result, highest, used = library.ask("verify", 1, "d", 0, frame.hex())
        fresh = not window.is_behind(counter) and not window.is_used(counter)
        window = window.after(counter) if fresh else window
        assert (result == "ok") == fresh
        assert (int(highest), int(used, 16)) == window


def test_c_takes_commands_in_order_only(library: Library) -> None:
    library.ask("forget")

    def send(counter: int) -> str:
        frame = seal(
            b"\x18\0\0\0\0\1\2",
            device="d",
            key=1,
            counter=counter,
            mac=lambda data: cmac(KEY, data),
            direction=Direction.DOWN,
        )
        return library.ask("verify", 1, "d", int(Direction.DOWN), frame.hex())[0]

    assert [send(counter) for counter in (10, 9, 10, 12, 11)] == [
        "ok",
        "replayed",
        "replayed",
        "ok",
        "replayed",
    ]


def test_c_refuses_what_cannot_be_sealed(library: Library) -> None:
    assert library.ask("seal", 1, "d", 0, 5, "-")[:2] == ["bad_type", "5"]
    assert library.ask("seal", 1, "d", 0, 5, "15000000")[:2] == ["bad_type", "5"]
    assert library.ask("seal", 1, "d", 0, 5, "11" * 242)[:2] == ["too_long", "5"]
    assert library.ask("seal", 1, "d", 0, 0xFFFF_FFFF, "11")[:2] == ["used_up", "4294967295"]


@pytest.mark.parametrize("body", [b"", b"\x15\0\0\0", b"\x17" + bytes(20)])
def test_no_bytes_a_bundle_or_a_sealed_frame_cannot_be_sealed(body: bytes) -> None:
    with pytest.raises(FrameError, match="cannot be sealed"):
        seal(body, device="d", key=1, counter=1, mac=lambda data: cmac(KEY, data))


@given(st.binary(max_size=40) | st.binary(max_size=300).map(lambda data: b"\x17" + data))
def test_any_bytes_give_a_sealed_frame_or_a_frame_error(data: bytes) -> None:
    try:
        sealed = split(data)
    except FrameError:
        return
    assert sealed.signed + sealed.mac == data
    assert sealed.signed.endswith(sealed.body)
