"""The C library under sanitizers: our vectors, random bytes against the Python codec, what it refuses."""

import random
import re
import subprocess
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

import firmware_protocol
from firmware_protocol import vectors
from firmware_protocol.commands import decode_command
from firmware_protocol.frames import FrameError

C_DIR = Path(firmware_protocol.__file__).parent / "c"
FrameTool = Callable[[Iterable[bytes]], list[dict[str, Any]]]
Compile = Callable[..., Path]


def python_answer(data: bytes) -> dict[str, Any]:
    answer = vectors.describe(data)
    if "error" in answer or "sealed" in answer:
        return answer
    try:
        encoded = vectors.rewritten(data)
    except FrameError as error:
        if error.code != "bad_device":
            raise
        return answer | {"encoded": None}
    if "command" in answer:
        answer["answer"] = decode_command(data).check()
    return answer | {"encoded": encoded.hex()}


def mutated(generator: random.Random, seeds: list[bytes]) -> bytes:
    """A vector with some bytes changed, cut, doubled or put behind another: mostly nearly valid."""
    data = bytearray(generator.choice(seeds))
    for _ in range(generator.randrange(4)):
        at = generator.randrange(len(data) + 1)
        match generator.randrange(5):
            case 0 if at < len(data):
                data[at] = generator.randrange(256)
            case 1:
                del data[at:]
            case 2:
                data[at:at] = generator.randbytes(generator.randrange(4))
            case 3:
                data += generator.choice(seeds)
            case _:
                del data[at : at + generator.randrange(4)]
    return bytes(data)


def hostile_inputs(count: int) -> Iterator[bytes]:
    generator = random.Random(20240611)
    seeds = [vector.data for vector in vectors.load()]
    for index in range(count):
        if index % 4 == 0:
            head = bytes((generator.choice((*range(0x11, 0x1A), generator.randrange(256))),))
            yield head + generator.randbytes(generator.randrange(80))
        else:
            yield mutated(generator, seeds)


def test_c_decodes_every_vector_as_published(frame_tool: FrameTool) -> None:
    rows = list(vectors.load())
    answers = frame_tool(row.data for row in rows)
    for row, answer in zip(rows, answers, strict=True):
        assert {key: answer[key] for key in answer if key not in ("encoded", "answer")} == row.expected, (
            row.name
        )


def test_c_encodes_every_canonical_vector_to_its_bytes(frame_tool: FrameTool) -> None:
    rows = [row for row in vectors.load() if row.canonical and not {"error", "sealed"} & set(row.expected)]
    answers = frame_tool(row.data for row in rows)
    assert [answer["encoded"] for answer in answers] == [row.data.hex() for row in rows]


def test_c_and_python_agree_on_twenty_thousand_hostile_inputs(frame_tool: FrameTool) -> None:
    inputs = list(hostile_inputs(20_000))
    for data, answer in zip(inputs, frame_tool(inputs), strict=True):
        assert answer == python_answer(data), data.hex()


def test_c_and_python_agree_on_every_truncation_of_every_vector(frame_tool: FrameTool) -> None:
    inputs = [row.data[:size] for row in vectors.load() for size in range(len(row.data))]
    assert frame_tool(inputs) == [python_answer(data) for data in inputs]


def test_c_and_python_agree_at_the_limit_of_a_bundle(frame_tool: FrameTool) -> None:
    entry = bytes.fromhex("0161 0000 00")
    count = (65_535 - 4) // len(entry)
    whole = b"\x15\0" + count.to_bytes(2, "big") + entry * count
    inputs = [whole, whole + b"\x80\xff", whole + b"\x80\0" * 200]
    answers = frame_tool(inputs)
    assert answers == [python_answer(data) for data in inputs]
    assert [answer.get("error") for answer in answers] == [None, "too_long", "too_long"]


def test_c_encoder_refuses_what_does_not_fit(compile_c: Compile) -> None:
    program = compile_c(Path(__file__).with_name("encoder_check.c"))
    result = subprocess.run([program], capture_output=True, text=True, check=False)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


README = (C_DIR / "README.md").read_text("utf-8")
LISTINGS = re.findall(r"```c\n(.+?)```", README, re.DOTALL)
PROMISED = re.findall(r"It prints `([0-9a-f ]+)`", README)


def test_every_listing_of_the_readme_promises_what_it_prints() -> None:
    assert len(LISTINGS) == len(PROMISED) == 2
    assert len(LISTINGS[0].splitlines()) <= 20


@pytest.mark.parametrize(("listing", "promised"), list(zip(LISTINGS, PROMISED, strict=True)))
def test_listing_of_the_readme_prints_what_the_readme_says(
    compile_c: Compile, tmp_path: Path, listing: str, promised: str
) -> None:
    example = tmp_path / f"listing_{LISTINGS.index(listing)}.c"
    example.write_text(listing, "utf-8")
    printed = subprocess.run([compile_c(example)], capture_output=True, text=True, check=True).stdout
    assert printed.strip() == promised
    states = [vectors.describe(bytes.fromhex(word))["frame"]["state"] for word in printed.split()]
    assert states == ["vacant", "occupied"][-len(states) :]


def test_fuzz_target_finds_nothing_in_vectors_and_hostile_inputs(compile_c: Compile) -> None:
    program = compile_c(Path(__file__).with_name("fuzz_replay.c"), C_DIR / "fuzz.c")
    inputs = [row.data for row in vectors.load()] + list(hostile_inputs(5000))
    lines = "".join(f"{data.hex()}\n" for data in inputs)
    result = subprocess.run([program], input=lines, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stdout, result.stderr) == (0, str(len(inputs)), "")


def test_library_includes_freestanding_headers_only() -> None:
    text = "".join(path.read_text("utf-8") for path in C_DIR.glob("parking_*.[ch]"))
    assert set(re.findall(r"#include <(.+)>", text)) == {"stdbool.h", "stddef.h", "stdint.h"}
