"""The benchmark of sealed frames measures something, and would notice genuine messages being refused."""

import json
import sys

import pytest

from bench import authentic


def test_a_figure_comes_out() -> None:
    figure = authentic.measure(messages=3000, repeats=2)
    assert 0 < figure.value < 1000
    assert figure.details["bytes a message"] == 25


def test_command_prints_json(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["bench.authentic", "--messages", "500", "--json"])
    authentic.main()
    assert json.loads(capsys.readouterr().out)["unit"] == "us/message"
