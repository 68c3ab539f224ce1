"""The commands of docs/api.md, run by a shell as they stand there, against a real API."""

import asyncio
import json
import os
import re
from asyncio.subprocess import PIPE
from collections.abc import Iterator

import pytest

from parking.access_keys import Scope
from tests.integration.api.conftest import Api
from tests.support.access import key_of
from tests.support.services import PROJECT

GUIDE = (PROJECT / "docs" / "api.md").read_text("utf-8")
SETTINGS, *BLOCKS = re.findall(r"```sh\n(.*?)```", GUIDE, re.DOTALL)
ASSIGNMENT = re.compile(r"\w+=")
ENDS_BY_TIME = 28
"""curl's exit code for `--max-time`, as streams have no other end."""


def commands() -> Iterator[str]:
    """Each request of the guide, after the assignments that stand before it in its block."""
    for block in BLOCKS:
        before = ""
        for line in block.splitlines():
            if ASSIGNMENT.match(line):
                before += f"{line}\n"
            elif line.startswith("curl"):
                yield before + line
                before = ""


async def shell(script: str, api: Api, key: str) -> tuple[int, str]:
    known = {"PARKING": api.url, "SITE": "street-0", "SIGN": "vms-0", "KEY": key}
    environment = {**os.environ, **known, "NO_PROXY": "*"}
    process = await asyncio.create_subprocess_exec(
        "bash", "-c", script, stdout=PIPE, stderr=PIPE, env=environment
    )
    output, error = await process.communicate()
    return process.returncode or 0, output.decode() + error.decode()


@pytest.mark.timeout(240)
async def test_every_command_of_the_guide_answers(api: Api, city_url: str) -> None:
    assert {"PARKING", "SITE", "SIGN", "KEY"} == set(re.findall(r"^(\w+)=", SETTINGS, re.MULTILINE))
    key = (await key_of(city_url, Scope.REGISTRY_WRITE)).text
    asked = list(commands())
    assert len(asked) > 12
    for command in asked:
        code, output = await shell(command, api, key)
        streamed = "/v1/stream" in command
        assert code in ((0, ENDS_BY_TIME) if streamed else (0,)), (command, output)
        if streamed:
            assert "event: start" in output, (command, output)
        elif "%{http_code}" in command:
            assert output == "304\n", (command, output)
        elif output.startswith("{"):
            assert not {"detail", "errors"} & json.loads(output).keys(), (command, output)
        else:
            assert "problem+json" not in output
            assert not output.startswith("<!DOCTYPE")
