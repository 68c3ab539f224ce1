"""What can be asked of a city, and the files that it writes."""

from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from parking.errors import SettingsError
from sensors_sim.ledger import End, LedgerFile, Start, load_ledger, utc
from sensors_sim.options import Options

NOON = datetime(2025, 3, 5, 12, 30, 5)
START = Start(at=utc(1.5e9), seed=1, boot=2, bays=3, inside={}, options=Options().document())
END = End(at=utc(1.6e9), reason="signal", acknowledged=1, lost=0, unsent=0)


def test_the_towns_clock_is_ours_in_real_time_and_eight_in_the_morning_else() -> None:
    assert Options().town_start(NOON) == NOON
    assert Options(speed=60).town_start(NOON) == datetime(2025, 3, 5, 8)
    assert Options(speed=60, start=NOON).town_start(datetime(2025, 1, 1)) == NOON


def test_days_are_the_towns() -> None:
    assert Options(days=2, speed=100).horizon_s == 1728
    assert Options(duration_s=5, speed=100).horizon_s == 5
    assert Options().horizon_s is None


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("speed", 0.0, "--speed"),
        ("speed", float("nan"), "--speed"),
        ("sites", 0, "--sites"),
        ("bays", -1, "--bays"),
        ("heartbeat_s", 0.0, "--heartbeat"),
        ("duration_s", -1.0, "--duration"),
        ("days", 0.0, "--days"),
        ("boot", 256, "--boot"),
        ("connections", 0, "--connections"),
    ],
)
def test_what_cannot_be_is_refused_by_its_name(field: str, value: float, said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        replace(Options(), **{field: value})  # type: ignore[arg-type]


def test_duration_and_days_exclude_each_other() -> None:
    with pytest.raises(SettingsError, match="--days"):
        Options(days=1, duration_s=1)


def test_a_ledger_file_reads_back(tmp_path: Path) -> None:
    file = LedgerFile(tmp_path / "truth")
    file.write(START)
    file.write(END)
    file.close()
    ledger = load_ledger(tmp_path / "truth")
    assert (ledger.start, ledger.end, ledger.final) == (START, END, None)


def test_a_ledger_that_was_cut_off_reads_up_to_its_last_whole_line(tmp_path: Path) -> None:
    file = LedgerFile(tmp_path / "truth")
    file.write(START)
    file.write(END)
    file.close()
    whole = (tmp_path / "truth").read_bytes()
    (tmp_path / "truth").write_bytes(whole[:-9])
    assert load_ledger(tmp_path / "truth").end is None


def test_a_file_that_is_no_ledger_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").write_bytes(b"")
    with pytest.raises(ValueError, match="start"):
        load_ledger(tmp_path / "empty")
