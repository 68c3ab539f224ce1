"""`parking sign` as a command, on a real database."""

import asyncio
import json
from collections.abc import Callable

import pytest
from typer.testing import CliRunner, Result

from cli.main import app
from parking.db.connect import connect
from parking.db.signs import store_decisions
from parking.errors import InputError, NotFound, ParkingError
from parking.signs import Decision, Why
from tests.support.city import load
from tests.support.ingestor import HandIngestor
from tests.support.signs import signed_street

Run = Callable[..., Result]


@pytest.fixture
def run(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run `parking ...` on a street with signs; an error that is told as a sentence is raised."""
    asyncio.run(load(database_url, signed_street()))
    monkeypatch.setenv("PARKING_DATABASE_URL", database_url)

    def parking(*arguments: str) -> Result:
        done = CliRunner().invoke(app, arguments)
        if isinstance(done.exception, ParkingError):
            raise done.exception
        assert done.exit_code == 0, done.output
        return done

    return parking


async def decide(database_url: str, *texts: str) -> None:
    """Write down that the plain sign was told these, one after the other."""
    async with connect(database_url, name="test", autocommit=True) as connection:
        for number, text in enumerate(texts):
            decision = Decision(lines=(text,), why=Why.SPACES, reason="so it is", revision=number)
            row = await (await connection.execute("SELECT now()")).fetchone()
            assert row is not None
            await store_decisions(connection, {"plain": decision}, ["plain"], now=row[0])


def test_the_history_says_what_a_sign_was_told_and_why(run: Run, database_url: str) -> None:
    assert "Nothing was decided for it yet" in run("sign", "history", "plain").stdout
    asyncio.run(decide(database_url, "12", "", "9"))
    lines = run("sign", "history", "plain", "--limit", "2").stdout.splitlines()
    assert lines[0] == "It has never asked over HTTP."
    assert [line.split("  ")[1] for line in lines[1:]] == ["9", "(blank)"]
    body = json.loads(run("sign", "history", "plain", "--json").stdout)
    assert [one["text"] for one in body["messages"]] == ["9", "", "12"]
    with pytest.raises(NotFound):
        run("sign", "history", "no-such")


def test_an_override_is_set_shown_and_ended_on_record(run: Run, database_url: str) -> None:
    said = run("sign", "override", "plain", "--show", "closed", "--for", "30", "--reason", "A parade").stdout
    assert said.startswith("set: CLOSED until ")
    assert said.rstrip().endswith(": A parade")
    assert "set by an operator: CLOSED until" in run("sign", "history", "plain").stdout
    ended = json.loads(run("sign", "resume", "plain", "--json").stdout)
    assert (ended["sign"], ended["text"], ended["reason"]) == ("plain", "CLOSED", "A parade")
    with HandIngestor(database_url) as hand:
        log = hand.run("SELECT action, actor LIKE 'cli:%%' FROM audit_log ORDER BY audit_id")
    assert log == [("sign.override", True), ("sign.resume", True)]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--text", "42", "--for", "5"), "text '42' is not one that this sign has; it has '', 'SPACES'"),
        (
            ("--show", "full", "--for", "2 hours"),
            "for: must look like 30m, 12h, 90d, 4w or 1y, or be a number of minutes; 10s to 31d",
        ),
        (("--show", "full", "--for", "40d"), "10s to 31d (found '40d')"),
        (("--show", "full"), "give --for or --until"),
        (("--for", "5"), "give --show or --text"),
        (("--show", "auto", "--for", "5"), "auto is what a sign does by itself"),
        (("--show", "full", "--until", "2020-01-01T00:00"), "must be 10 s to 31 days after now"),
    ],
)
def test_what_cannot_be_set_is_refused_with_its_rule(run: Run, arguments: tuple[str, ...], said: str) -> None:
    with pytest.raises(InputError) as refused:
        run("sign", "override", "plain", "--reason", "A parade", *arguments)
    assert said in refused.value.message
