"""`parking forecast evaluate`: tables, JSON and a picture of the same figures; clear words for a bad file."""

import csv
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from bench.cities import Character, make
from cli import main
from parking.backtest.replay import METHODS

SMALL = Character(name="small", what="", sites=2, days=12, every_s=1800)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("counts") / "counts.csv"
    history = make(SMALL)
    with path.open("w", newline="", encoding="utf-8") as out:
        rows = csv.writer(out)
        rows.writerow(["SystemCodeNumber", "Capacity", "Occupancy", "LastUpdated"])
        for site, series in zip(history.sites, history.counts, strict=True):
            for at, occupied in zip(series.times.tolist(), series.occupied.tolist(), strict=True):
                when = datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S")
                rows.writerow([site.id, site.capacity, int(occupied), when])
    return path


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    """The exit code of `parking forecast evaluate`."""
    monkeypatch.setattr("sys.argv", ["parking", "forecast", "evaluate", *arguments])
    with pytest.raises(SystemExit) as ended:
        main.main()
    return int(ended.value.code or 0)


def test_json_holds_every_figure_of_every_method(
    file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, str(file), "--json", "--warm-up-days", "8", "--timezone", "UTC") == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert [card["horizon_minutes"] for card in found["overall"]] == [30, 60, 120, 1440]
    assert found["oddities"]["rows"] == 2 * 12 * 48
    for card in [*found["overall"], *found["by_site"]]:
        assert card["n"] > 0
        assert set(card["methods"]) == set(METHODS)
        for score in card["methods"].values():
            assert set(score) == {"mae", "pinball", "coverage", "width", "brier"}
        best = min(score["mae"] for name, score in card["methods"].items() if name != "forecast")
        assert card["gain"] == pytest.approx(1 - card["methods"]["forecast"]["mae"] / best, abs=1e-3)
    assert {card["site"] for card in found["by_site"]} == {"small-1", "small-2"}


def test_the_table_and_the_picture_show_all_methods(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    plot = tmp_path / "errors.svg"
    arguments = ("--warm-up-days", "8", "--horizons", "60", "--plot", str(plot), "--country", "")
    assert run(monkeypatch, str(file), *arguments) == 0
    shown = capsys.readouterr().out
    picture = ElementTree.parse(plot).getroot()
    drawn = [element.text or "" for element in picture.iter("{http://www.w3.org/2000/svg}text")]
    for method in METHODS:
        assert method in shown
        assert method in drawn
    assert "60 minutes ahead" in shown
    assert "small-2" in shown
    assert "1 h" in drawn or "60 min" in drawn


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("--horizons", "60,x"), "--horizons: 'x' is not a whole number of minutes within 5..1440"),
        (("--horizons", "1500"), "--horizons: '1500' is not a whole number"),
        (("--plot", "/nowhere/errors.svg"), "--plot: '/nowhere/errors.svg' cannot be written: No such"),
        (("--plot", "errors.png"), "--plot: 'errors.png' does not end in .svg"),
        (("--timezone", "Mars/Base"), "time zone 'Mars/Base' is not known"),
        (("--country", "XX", "--subdivision", ""), "no public holidays are known for 'XX'"),
        (("--warm-up-days", "300"), "nothing to judge"),
    ],
)
def test_a_bad_argument_is_explained(
    file: Path,
    arguments: tuple[str, ...],
    complaint: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(monkeypatch, str(file), *arguments) == 1
    assert complaint in capsys.readouterr().err


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"a,b\n1,2\n", "line 1: column SystemCodeNumber is missing"),
        (b"", "line 1: column SystemCodeNumber is missing"),
        (
            b"SystemCodeNumber,Capacity,Occupancy,LastUpdated\nA,5,x,2026-07-01\n",
            "line 2: Occupancy: 'x' must be a whole number",
        ),
        (b"SystemCodeNumber,Capacity,Occupancy,LastUpdated\nA,5,\xff\xfe,2026-07-01\n", "not UTF-8"),
    ],
)
def test_a_bad_file_is_explained(
    content: bytes,
    complaint: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = tmp_path / "bad.csv"
    path.write_bytes(content)
    assert run(monkeypatch, str(path)) == 1
    assert complaint in capsys.readouterr().err
