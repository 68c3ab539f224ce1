"""`parking credentials` on a folder, without a broker."""

import csv
import json
import os
import stat
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from cli.broker_folder import JOURNAL, PASSWORDS, RULES, Did, locked, prepare_folder
from cli.main import app
from parking.errors import AccessError
from parking.passwords import fits, hashed, read_passwords

Run = Callable[..., Result]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "broker"
    prepare_folder(path, None)
    return path


@pytest.fixture
def run(folder: Path) -> Run:
    def run(*arguments: str, env: dict[str, str] | None = None) -> Result:
        others = {name: None for name in os.environ if name.startswith("PARKING_")}
        env = {"PARKING_BROKER_FOLDER": str(folder), **(env or {})}
        return CliRunner().invoke(app, ["credentials", *arguments], env={**others, **env})

    return run


def kept(folder: Path) -> dict[str, str]:
    return read_passwords((folder / PASSWORDS).read_text())


def test_a_password_is_told_once_and_only_its_hash_is_kept(folder: Path, run: Run) -> None:
    done = run("create", "device", "qs-1", "--site", "queen-street", "--json")
    (made,) = json.loads(done.stdout)
    assert made["user"] == "queen-street/bay/qs-1"
    assert made["publishes"] == ["parking/v1/queen-street/bay/qs-1/up"]
    assert fits(made["password"], kept(folder)[made["user"]])
    everything = "".join(path.read_text() for path in folder.iterdir()) + run("list", "--json").stdout
    assert made["password"] not in everything


def test_files_are_for_their_owner_alone(folder: Path, run: Run, tmp_path: Path) -> None:
    secret = tmp_path / "secret.csv"
    assert run("create", "reader", "a", "--output", str(secret)).exit_code == 0
    for path in (secret, *folder.iterdir()):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_file_of_passwords_is_never_written_over(folder: Path, run: Run, tmp_path: Path) -> None:
    secret = tmp_path / "secret.csv"
    secret.write_text("others\n")
    done = run("create", "reader", "a", "--output", str(secret))
    assert isinstance(done.exception, AccessError)
    assert "exists already" in done.exception.message
    assert secret.read_text() == "others\n"
    assert kept(folder) == {}


def test_many_passwords_are_not_shown(folder: Path, run: Run, tmp_path: Path) -> None:
    names = [f"r-{number}" for number in range(21)]
    assert isinstance(run("create", "reader", *names).exception, AccessError)
    assert kept(folder) == {}
    secret = tmp_path / "secret.csv"
    assert run("create", "reader", *names, "--output", str(secret)).exit_code == 0
    rows = list(csv.DictReader(secret.read_text().splitlines()))
    assert [row["id"] for row in rows] == names
    assert all(fits(row["password"], kept(folder)[row["user"]]) for row in rows)


def test_revoking_takes_all_or_none(folder: Path, run: Run) -> None:
    run("create", "reader", "a", "b")
    assert isinstance(run("revoke", "reader/a", "reader/c").exception, AccessError)
    assert set(kept(folder)) == {"reader/a", "reader/b"}
    assert run("revoke", "reader/a").exit_code == 0
    assert set(kept(folder)) == {"reader/b"}
    assert "reader/a" not in (folder / RULES).read_text()
    (gone,) = json.loads(run("list", "--revoked", "--json").stdout)
    assert (gone["user"], gone["did"]) == ("reader/a", "revoked")
    assert gone["by"]


def test_rotating_makes_another_password(folder: Path, run: Run) -> None:
    (old,) = json.loads(run("create", "reader", "a", "--json").stdout)
    (new,) = json.loads(run("rotate", "reader/a", "--json").stdout)
    assert fits(new["password"], kept(folder)["reader/a"])
    assert not fits(old["password"], kept(folder)["reader/a"])


def test_one_who_has_a_credential_keeps_it(folder: Path, run: Run) -> None:
    run("create", "reader", "a")
    before = kept(folder)
    assert isinstance(run("create", "reader", "b", "a").exception, AccessError)
    assert kept(folder) == before


def test_a_registry_brings_those_that_speak_for_themselves(folder: Path, run: Run, tmp_path: Path) -> None:
    bays = [
        {"id": "1", "sensor": {"id": "own-1", "codec": "parking-v1"}},
        {"id": "2", "sensor": {"id": "a84041000181c061", "codec": "bosch-tps110"}},
        {"id": "3"},
    ]
    gates = [{"camera": "cm-in", "direction": "in"}]
    sites = [
        {"id": "s", "name": "S", "kind": "on_street", "counting": "bays", "bays": bays},
        {"id": "p", "name": "P", "kind": "off_street", "counting": "gates", "capacity": 9, "gates": gates},
    ]
    town = tmp_path / "town.json"
    town.write_text(json.dumps({"sites": sites}))
    for role in ("device", "camera"):
        assert run("create", role, "--registry", str(town)).exit_code == 0
    assert set(kept(folder)) == {"s/bay/own-1", "p/anpr/cm-in"}
    again = run("create", "device", "--registry", str(town))
    assert again.exit_code == 0
    assert "1 had one already" in again.stderr
    assert again.stdout == ""
    assert isinstance(run("create", "gateway", "--registry", str(town)).exception, AccessError)


def test_the_broker_is_told_or_it_is_said_that_it_was_not(folder: Path, run: Run, tmp_path: Path) -> None:
    assert "Not yet in force" in run("create", "reader", "a").stderr
    mark = tmp_path / "told"
    assert run("create", "reader", "b", env={"PARKING_BROKER_RELOAD": f"touch {mark}"}).exit_code == 0
    assert mark.exists()
    failed = run("revoke", "reader/a", env={"PARKING_BROKER_RELOAD": "false"})
    assert isinstance(failed.exception, AccessError)
    assert "the broker was not told" in failed.exception.message
    assert set(kept(folder)) == {"reader/b"}


def test_users_made_by_hand_are_kept_and_shown(folder: Path, run: Run) -> None:
    (folder / PASSWORDS).write_text(f"by-hand:{hashed('x')}\n")
    run("create", "reader", "a")
    assert set(kept(folder)) == {"by-hand", "reader/a"}
    assert "by-hand  no role: may do nothing" in run("list").stdout


@pytest.mark.parametrize(
    ("name", "text"), [(PASSWORDS, "nonsense\n"), (JOURNAL, "{}\n"), (JOURNAL, "\x00\n")]
)
def test_a_spoilt_file_is_named(folder: Path, run: Run, name: str, text: str) -> None:
    (folder / name).write_text(text)
    done = run("list")
    assert isinstance(done.exception, AccessError)
    assert str(folder / name) in done.exception.message
    assert "line 1" in done.exception.message


def test_a_symbolic_link_is_replaced_and_not_followed(folder: Path, run: Run, tmp_path: Path) -> None:
    target = tmp_path / "victim"
    target.write_text("")
    (folder / RULES).unlink()
    (folder / RULES).symlink_to(target)
    assert run("create", "reader", "a").exit_code == 0
    assert target.read_text() == ""
    assert not (folder / RULES).is_symlink()


def test_what_two_change_at_once_both_stays(folder: Path) -> None:
    def add(user: str) -> None:
        with locked(folder) as broker:
            broker.users[user] = hashed("x")
            broker.save(Did.CREATED, [user])

    users = [f"reader/{number}" for number in range(40)]
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(add, users))
    assert set(kept(folder)) == set(users)
