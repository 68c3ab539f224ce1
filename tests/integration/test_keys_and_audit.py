"""`parking keys` and `parking audit` as commands, on a real database."""

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, LiteralString

import psycopg
import pytest
from typer.testing import CliRunner, Result

from cli.main import app
from parking.access_keys import hashed, parse_key
from parking.audit import from_line
from parking.errors import AuditError, ParkingError
from tests.support.services import PROJECT, Services

Run = Callable[..., Result]


@pytest.fixture
def run(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run `parking ...` on a fresh database; an error that is told as a sentence is raised."""
    monkeypatch.setenv("PARKING_DATABASE_URL", database_url)

    def parking(*arguments: str) -> Result:
        done = CliRunner().invoke(app, arguments)
        if isinstance(done.exception, ParkingError):
            raise done.exception
        assert done.exit_code == 0, done.output
        return done

    return parking


def create(run: Run, name: str = "office", *more: str) -> str:
    """A key with this name."""
    return run("keys", "create", "--name", name, "--scope", "reports:read", *more).stdout.strip()


def test_a_key_is_printed_once_and_only_its_hash_is_stored(run: Run, database_url: str) -> None:
    printed = run("keys", "create", "--name", "office", "--scope", "reports:read", "--expires", "90d")
    key = parse_key(printed.stdout.strip())
    assert key is not None
    assert "office may reports:read, until " in printed.stderr
    assert key.secret not in printed.stderr
    with psycopg.connect(database_url) as connection:
        everything = connection.execute(
            "SELECT (SELECT string_agg(k::text, '') FROM api_key k) || (SELECT string_agg(a::text, '')"
            " FROM audit_log a)"
        ).fetchone()
        stored = connection.execute("SELECT secret_hash, expires_at - created_at FROM api_key").fetchone()
    assert everything is not None
    assert key.secret not in everything[0]
    assert stored is not None
    assert (stored[0], stored[1].days) == (hashed(key.secret), 90)


def test_rotate_list_show_and_revoke(run: Run) -> None:
    first = create(run)
    second = run("keys", "rotate", "office", "--overlap", "1h")
    assert second.stdout.strip() != first
    assert second.stdout[:13] == first[:13]
    assert "The secret before works until" in second.stderr
    create(run, "other")
    (other, office) = json.loads(run("keys", "list", "--json").stdout)
    assert (office["name"], office["state"], office["last_used_at"]) == ("office", "valid", None)
    assert office["former_until"] is not None
    assert "key" not in office
    words = run("keys", "list")
    assert "office  made " in words.stdout
    assert "never expires, never used" in words.stdout
    assert "valid keys: 2" in words.stderr
    assert "sites         all" in run("keys", "show", other["id"]).stdout

    assert "is revoked since" in run("keys", "revoke", office["id"]).stdout
    assert [key["name"] for key in json.loads(run("keys", "list", "--json").stdout)] == ["other"]
    assert "REVOKED  office" in run("keys", "list", "--all").stdout
    with pytest.raises(ParkingError, match="There is no key with the id or name 'office'"):
        run("keys", "rotate", "office")
    with pytest.raises(ParkingError, match="is revoked: it gets no new secret"):
        run("keys", "rotate", office["id"])
    with pytest.raises(ParkingError, match="there is a key with the name 'other' already"):
        create(run, "other")
    create(run)
    assert "The audit log is whole: 5 rows." in run("audit", "verify").stdout


def test_a_key_keeps_its_end_unless_it_is_given_a_new_one(run: Run, database_url: str) -> None:
    create(run, "office", "--expires", "10d")

    def end() -> str:
        end: str = json.loads(run("keys", "show", "office", "--json").stdout)["expires_at"]
        return end

    first = end()
    run("keys", "rotate", "office")
    assert end() == first
    assert "key office: expires on" in CliRunner().invoke(app, ["doctor"]).stdout
    run("keys", "rotate", "office", "--expires", "90d")
    assert end() > first
    assert "key office" not in CliRunner().invoke(app, ["doctor"]).stdout
    with psycopg.connect(database_url) as connection:
        connection.execute("UPDATE api_key SET expires_at = now() - INTERVAL '1 s'")
    assert "key office: has expired on" in CliRunner().invoke(app, ["doctor"]).stdout
    with pytest.raises(ParkingError, match="has expired"):
        run("keys", "rotate", "office")
    run("keys", "rotate", "office", "--expires", "1d")


def test_the_log_tells_who_did_what_and_is_exported(run: Run, tmp_path: Path) -> None:
    create(run, "Zoë")
    run("keys", "revoke", "Zoë")
    listed = run("audit", "list").stdout
    assert "key.revoke" in listed.splitlines()[0]
    assert "revoked_at: null -> " in listed
    assert "cli:" in listed
    assert run("audit", "list", "--action", "key.c").stdout.count("key.") == 1
    assert run("audit", "list", "--since", "2999-01-01").stdout == ""
    (newest, oldest) = [from_line(line) for line in run("audit", "list", "--json").stdout.splitlines()]
    assert (newest.audit_id, oldest.after["name"]) == (2, "Zoë")

    file = tmp_path / "audit.jsonl"
    run("audit", "export", "--output", str(file))
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.read_text() == run("audit", "export").stdout
    head = json.loads(run("audit", "verify", "--json").stdout)["head"]
    assert f"head {head}" in run("audit", "verify", "--file", str(file), "--expect", head).stdout
    lines = file.read_text().splitlines(keepends=True)
    for wrong, told in (
        (lines[1:], "row 1: row 2 stands in its place"),
        ([lines[0].replace("Zoë", "Zoe"), lines[1]], "row 1: its `hash` is not that of its content"),
        (lines[:1], "no row has the expected hash"),
        ([lines[0], "{}"], "line 2: this is no row"),
    ):
        file.write_text("".join(wrong))
        with pytest.raises(AuditError, match=told):
            run("audit", "verify", "--file", str(file), "--expect", head)


def test_an_export_can_be_checked_as_the_documentation_says(run: Run, tmp_path: Path) -> None:
    create(run, "Zoë")
    create(run, "Ann")
    file = tmp_path / "audit.jsonl"
    run("audit", "export", "--output", str(file))
    document = (PROJECT / "docs/access.md").read_text()
    program = document.partition("```python\n")[2].partition("```")[0]

    def check() -> int:
        return subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True).returncode

    assert check() == 0
    file.write_text(file.read_text().replace("Ann", "Anne"))
    assert check() == 1


@dataclass(frozen=True)
class Tampering:
    """What somebody with all rights does to a log of five rows, and how it is found."""

    statements: Sequence[LiteralString]
    told: str
    row: int | None


_ALL = "audit_id, at, actor, action, subject, before, after, previous, hash"
TAMPERINGS = {
    "edited": Tampering(
        ["UPDATE audit_log SET actor = 'nobody' WHERE audit_id = 3"], "row 3: its `hash` is not that", 3
    ),
    "a value edited": Tampering(
        ["UPDATE audit_log SET after = jsonb_set(after, '{scopes}', '[]') WHERE audit_id = 2"],
        "row 2: its `hash` is not that",
        2,
    ),
    "another time": Tampering(
        ["UPDATE audit_log SET at = at + INTERVAL '1 microsecond' WHERE audit_id = 5"],
        "row 5: its `hash`",
        5,
    ),
    "edited, with a new hash": Tampering(
        ["UPDATE audit_log SET actor = 'nobody', hash = sha256('x') WHERE audit_id = 3"],
        "row 3: its `hash`",
        3,
    ),
    "removed": Tampering(["DELETE FROM audit_log WHERE audit_id = 3"], "row 3: row 4 stands in its place", 3),
    "the first removed": Tampering(["DELETE FROM audit_log WHERE audit_id = 1"], "row 1: row 2 stands", 1),
    "removed and renumbered": Tampering(
        ["DELETE FROM audit_log WHERE audit_id = 3", "UPDATE audit_log SET audit_id = 3 WHERE audit_id = 4"],
        "row 3: its `previous` is not the hash of the row before",
        3,
    ),
    "exchanged": Tampering(
        [
            "UPDATE audit_log SET audit_id = 99 WHERE audit_id = 2",
            "UPDATE audit_log SET audit_id = 2 WHERE audit_id = 3",
            "UPDATE audit_log SET audit_id = 3 WHERE audit_id = 99",
        ],
        "row 2: its `previous` is not",
        2,
    ),
    "the end cut off": Tampering(
        ["DELETE FROM audit_log WHERE audit_id >= 4"], "the log ends with row 3, its head says 5", 4
    ),
    "all removed": Tampering(["DELETE FROM audit_log"], "the log ends with row 0, its head says 5", 1),
}


def as_superuser(services: Services, database_url: str, statements: Sequence[LiteralString]) -> None:
    """Change the log with the triggers switched off, as only an owner or a superuser can."""
    with psycopg.connect(database_url) as connection:
        for table in ("audit_log", "audit_head"):
            connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        for statement in statements:
            connection.execute(statement)
        for table in ("audit_log", "audit_head"):
            connection.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")


def five_rows(run: Run) -> str:
    """A log of five rows; the hash of the last."""
    for number in range(5):
        create(run, f"key {number}")
    verified: dict[str, Any] = json.loads(run("audit", "verify", "--json").stdout)
    assert (verified["whole"], verified["rows"]) == (True, 5)
    head: str = verified["head"]
    return head


@pytest.mark.parametrize("tampering", TAMPERINGS.values(), ids=TAMPERINGS.keys())
def test_tampering_is_found_at_its_row(
    run: Run, database_url: str, services: Services, tampering: Tampering
) -> None:
    five_rows(run)
    as_superuser(services, database_url, tampering.statements)
    with pytest.raises(AuditError, match=tampering.told):
        run("audit", "verify")
    shown = CliRunner().invoke(app, ["audit", "verify", "--json"])
    assert shown.exit_code == 1
    found = json.loads(shown.stdout)
    assert (found["whole"], found["broken"]["row"]) == (False, tampering.row)


def test_only_a_hash_noted_outside_shows_a_cut_that_was_hidden(
    run: Run, database_url: str, services: Services
) -> None:
    head = five_rows(run)
    cut: list[LiteralString] = [
        "DELETE FROM audit_log WHERE audit_id >= 4",
        "UPDATE audit_head SET audit_id = 3, hash = (SELECT hash FROM audit_log WHERE audit_id = 3)",
    ]
    as_superuser(services, database_url, cut)
    assert "is whole: 3 rows" in run("audit", "verify").stdout
    with pytest.raises(AuditError, match="no row has the expected hash"):
        run("audit", "verify", "--expect", head)


def test_a_hash_noted_earlier_is_still_in_the_log_later(run: Run) -> None:
    head = five_rows(run)
    create(run, "later")
    assert "The expected hash is that of row 5." in run("audit", "verify", "--expect", head).stdout


def test_an_import_of_the_registry_is_in_the_log(run: Run, tmp_path: Path) -> None:
    town = tmp_path / "town.json"
    mews = {"id": "mews", "name": "Mews", "kind": "off_street", "counting": "gates", "capacity": 10}
    town.write_text(json.dumps({"sites": [mews]}))
    run("registry", "import", str(town))
    run("registry", "import", str(town))
    (entry,) = [from_line(line) for line in run("audit", "list", "--json").stdout.splitlines()]
    assert (entry.action, entry.after["sites"], entry.after["file"]) == (
        "registry.import",
        ["mews"],
        "town.json",
    )
