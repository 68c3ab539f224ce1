"""`parking conformance FILE`: the verdict, the exit code, and what it says of a file that it cannot read."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cli.main import app, main
from cli.recording import read_recording, recorded
from firmware_protocol.conformance.clauses import CLAUSES
from tests.unit.firmware_protocol.broken_devices import ADVICE, BROKEN
from tests.unit.firmware_protocol.good_device import SECRET, Life, good_life, sealed_life


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    path.write_text(json.dumps({"devices": {"ps-1": [{"key": 1, "secret": SECRET.hex()}]}}))
    path.chmod(0o600)
    monkeypatch.setenv("PARKING_DEVICE_KEY_FILE", str(path))


def written(life: Life, folder: Path) -> Path:
    path = folder / "life.jsonl"
    lines = [recorded(message.heard(number)) for number, message in enumerate(life, 1)]
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


def ask(path: Path | str, *options: str, text: str = "") -> tuple[int, Any]:
    done = CliRunner().invoke(app, ["conformance", str(path), "--json", *options], input=text)
    return done.exit_code, json.loads(done.stdout)


def verdicts(answer: Any, verdict: str) -> list[str]:
    return [row["clause"] for row in answer["clauses"] if row["verdict"] == verdict]


def test_a_recording_is_read_as_it_was_written(tmp_path: Path) -> None:
    heard = [message.heard(number) for number, message in enumerate(good_life(), 1)]
    assert list(read_recording(str(written(good_life(), tmp_path)))) == heard


def test_a_good_device_ends_with_0(tmp_path: Path) -> None:
    for life in (good_life(), sealed_life()):
        code, answer = ask(written(life, tmp_path))
        assert (code, answer["conformant"], verdicts(answer, "violated")) == (0, True, [])
        assert answer["devices"] == ["ps-1"]
        assert {row["clause"] for row in answer["clauses"]} <= set(CLAUSES)


@pytest.mark.parametrize("name", BROKEN)
def test_a_device_that_is_broken_in_one_clause_ends_with_1_and_that_clause(name: str, tmp_path: Path) -> None:
    code, answer = ask(written(BROKEN[name], tmp_path))
    assert (code, answer["conformant"]) == (1, False)
    assert verdicts(answer, "violated") == [name.split()[0]]


def test_advice_ends_with_0(tmp_path: Path) -> None:
    for life in ADVICE.values():
        code, answer = ask(written(life, tmp_path))
        assert (code, len(verdicts(answer, "advice"))) == (0, 1)


def test_words_name_clause_device_and_line(tmp_path: Path) -> None:
    path = written(BROKEN["Q-1 a boot id at random"], tmp_path)
    done = CliRunner().invoke(app, ["conformance", str(path)])
    assert done.exit_code == 1
    assert "VIOLATED    Q-1   the boot id goes up by one at each start" in done.stdout
    assert "ps-1, line " in done.stdout
    assert "boot id 150 after 7" in done.stdout
    assert "not judged  S-7   battery voltage under load (needs a voltmeter)" in done.stdout
    assert done.stdout.splitlines()[-1] == "It violates Q-1 of firmware_protocol/SPEC.md."


def test_bare_hex_digits_are_enough() -> None:
    text = "# a bench\n110502000100040078a1fc\n\n12 05 02 00 01 00 40 00 78 a1 fc\n"
    code, answer = ask("-", text=text)
    assert (code, answer["frames"], verdicts(answer, "violated")) == (0, 2, [])
    code, answer = ask("-", text="1105020001000400\n")
    assert (code, verdicts(answer, "violated")) == (1, ["F-1"])


def test_nothing_heard_is_said() -> None:
    done = CliRunner().invoke(app, ["conformance", "-"], input="")
    assert done.exit_code == 0
    assert "Nothing was heard that could be judged." in done.stdout


def test_heartbeat_and_tolerance_can_be_given(tmp_path: Path) -> None:
    rows = [
        {"payload_hex": f"12000200000{at:03x}0000a1fc", "device": "a", "received_at": 1e9 + at}
        for at in (0, 100, 200, 300)
    ]
    path = tmp_path / "beats.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert verdicts(ask(path)[1], "violated") == []
    assert verdicts(ask(path, "--heartbeat", "60")[1], "violated") == ["S-3"]
    assert verdicts(ask(path, "--heartbeat", "60", "--tolerance", "50")[1], "violated") == []


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("zz\n", "line 1: 'zz' is not pairs of hex digits"),
        ("\n{\n", "line 2: "),
        ("{}\n", "line 1: Object missing required field `payload_hex`"),
        ('{"payload_hex": "1"}\n', "line 1: '1' is not pairs of hex digits"),
        ('{"payload_hex": "", "received_at": "noon"}\n', "line 1: received_at 'noon' is not a time"),
        ('{"payload_hex": "", "qos": "one"}\n', "qos"),
    ],
)
def test_a_line_that_cannot_be_read_is_told(
    text: str,
    told: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_text(text)
    monkeypatch.setattr("sys.argv", ["parking", "conformance", str(path)])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 1
    assert told in capsys.readouterr().err


def test_times_of_rfc_3339_are_taken(tmp_path: Path) -> None:
    path = tmp_path / "times.jsonl"
    path.write_text('{"payload_hex": "11", "received_at": "2026-03-04T12:00:00Z"}\n')
    (heard,) = read_recording(str(path))
    assert heard.at == 1_772_625_600.0
