"""Log lines: one format for all, and no secrets of the code that failed."""

import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from parking.logs import configure_logging
from parking.settings import Settings


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    yield
    root.handlers = handlers
    root.setLevel(level)
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


def _fail() -> None:
    plate = "JT06KLM"
    raise ValueError(f"{len(plate)} characters")


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_a_traceback_shows_no_local_variables(log_format: str, capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(Settings(log_format=log_format, log_level="debug"), process="test")
    try:
        _fail()
    except ValueError:
        structlog.get_logger().exception("ours")
        logging.getLogger("library").exception("theirs")
    written = capsys.readouterr().err
    assert written.count("ValueError: 7 characters") == 2
    assert "JT06KLM" not in written.replace('plate = "JT06KLM"', "")


def test_json_lines_are_json_whoever_writes_them(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(Settings(log_format="json"), process="ingest")
    structlog.get_logger().info("stored", messages=3)
    logging.getLogger("paho").warning("lost %d", 2)
    structlog.get_logger().debug("not told")
    ours, theirs = (json.loads(line) for line in capsys.readouterr().err.splitlines())
    assert (ours["event"], ours["messages"], ours["level"], ours["process"]) == (
        "stored",
        3,
        "info",
        "ingest",
    )
    assert (theirs["event"], theirs["level"], theirs["process"]) == ("lost 2", "warning", "ingest")
    assert ours["timestamp"].endswith("Z")
