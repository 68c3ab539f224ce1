"""The commands of docs/api.md, run by a shell as they stand there, against a real API."""

import asyncio
import json
import os
import re
from asyncio.subprocess import PIPE

import pytest

from tests.integration.api.conftest import Api
from tests.support.services import PROJECT

GUIDE = (PROJECT / "docs" / "api.md").read_text("utf-8")
SETTINGS, *BLOCKS = re.findall(r"```sh\n(.*?)```", GUIDE, re.DOTALL)
COMMANDS = [line for block in BLOCKS for line in block.splitlines() if line.startswith(("curl", "etag="))]
ENDS_BY_TIME = 28
"""curl's exit code for `--max-time`, as streams have no other end."""


async def shell(script: str, api: Api) -> tuple[int, str]:
    environment = {**os.environ, "PARKING": api.url, "SITE": "street-0", "SIGN": "vms-0", "NO_PROXY": "*"}
    process = await asyncio.create_subprocess_exec(
        "bash", "-c", script, stdout=PIPE, stderr=PIPE, env=environment
    )
    output, error = await process.communicate()
    return process.returncode or 0, output.decode() + error.decode()


@pytest.mark.timeout(240)
async def test_every_command_of_the_guide_answers(api: Api) -> None:
    assert {"PARKING", "SITE", "SIGN"} == set(re.findall(r"^(\w+)=", SETTINGS, re.MULTILINE))
    assert len(COMMANDS) > 12
    before = ""
    for command in COMMANDS:
        if command.startswith("etag="):
            before = command + "; "
            continue
        code, output = await shell(before + command, api)
        before = ""
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
