"""The C library, compiled under sanitizers and asked about bytes."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

import firmware_protocol

C_DIR = Path(firmware_protocol.__file__).parent / "c"
STRICT = ("-std=c99", "-Wall", "-Wextra", "-Werror", "-pedantic", "-Wconversion", "-Wshadow")
SANITIZE = ("-g", "-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")

Compile = Callable[..., Path]
FrameTool = Callable[[Iterable[bytes]], list[dict[str, Any]]]


@pytest.fixture(scope="session")
def compile_c(tmp_path_factory: pytest.TempPathFactory) -> Compile:
    """Compiles a program, called as its first source, with the library, strict and under sanitizers."""
    compiler = shutil.which(os.environ.get("CC", "cc"))
    if compiler is None:
        pytest.fail("no C compiler: install gcc or clang (Debian: apt-get install gcc libc6-dev), or set CC")
    folder = tmp_path_factory.mktemp("c")

    def build(*sources_of_it: Path) -> Path:
        program = folder / sources_of_it[0].stem
        sources = [f"-I{C_DIR}", *map(str, [*sources_of_it, *sorted(C_DIR.glob("parking_*.c"))])]
        command = [compiler, *STRICT, *SANITIZE, *sources, "-o", str(program)]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        assert result.returncode == 0, result.stderr
        return program

    return build


@pytest.fixture(scope="session")
def frame_tool(compile_c: Compile) -> FrameTool:
    """What the C library makes of each of many byte strings, in one run."""
    program = compile_c(C_DIR / "frame_tool.c")

    def run(inputs: Iterable[bytes]) -> list[dict[str, Any]]:
        lines = "".join(f"{data.hex()}\n" for data in inputs)
        result = subprocess.run([program], input=lines, capture_output=True, text=True, check=False)
        assert (result.returncode, result.stderr) == (0, "")
        return [json.loads(line) for line in result.stdout.splitlines()]

    return run
