"""The OpenAPI document holds: a real API is asked all that it allows, and much that it does not."""

import asyncio
import sys
from asyncio.subprocess import PIPE, STDOUT
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from parking.access_keys import Scope
from tests.integration.api.conftest import Api, StartApi
from tests.support.access import key_of
from tests.support.ingestor import HandIngestor

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "unsupported_method",
)
ENDLESS = ("/v1/stream",)
BUDGET_S = 35


@pytest.fixture
async def api(start_api: StartApi, city_url: str) -> AsyncIterator[Api]:
    """An API that holds its numbers for current, so that /readyz has no reason to say 503."""
    with HandIngestor(city_url) as hand:
        hand.confirm()
        async with start_api(stale_after_s=3600) as api:
            yield api


@pytest.mark.timeout(300)
async def test_no_answer_breaks_the_document(api: Api, city_url: str, tmp_path: Path) -> None:
    """schemathesis finds no 5xx, no undocumented status and no body that breaks its schema."""
    key = await key_of(city_url, *Scope, name="everything")
    command = [
        *(str(Path(sys.executable).parent / "schemathesis"), "run", f"{api.url}/openapi.json"),
        *("--header", f"Authorization: Bearer {key.text}"),
        *(part for path in ENDLESS for part in ("--exclude-path", path)),
        *("--checks", ",".join(CHECKS)),
        *("--max-time", str(BUDGET_S), "--request-timeout", "20", "--continue-on-failure"),
        # Made-up keys would soon be answered by 429 alone.
        *("--generation-with-security-parameters", "false", "--generation-database", "none"),
        *("--suppress-health-check", "all", "--no-color", "--report-dir", str(tmp_path)),
    ]
    process = await asyncio.create_subprocess_exec(*command, stdout=PIPE, stderr=STDOUT, cwd=tmp_path)
    output, _ = await process.communicate()
    assert process.returncode == 0, output.decode()[-20_000:]
