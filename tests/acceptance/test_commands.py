"""The `parking` command as a person meets it: help, clear errors, exit codes, the demo."""

import asyncio
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from typer.testing import CliRunner

from cli.embedded.ports import choose_port
from cli.main import app, main
from parking.db.connect import connect
from tests.conftest import Broker, StartProcess
from tests.support.city import load, small_registry
from tests.support.polling import PATIENCE_S, until
from tests.support.processes import PARKING, ParkingProcess, clean_environment
from tests.support.vectors import codec_of, is_rejected, rows, topic_of

COMMANDS = (
    "demo", "migrate", "registry", "ingest", "api", "simulate", "decode", "device", "credentials", "broker",
    "doctor", "conformance", "forecast", "keys", "audit", "webhooks", "maintenance", "sign", "sign-client",
)  # fmt: skip
NO_DATABASE = "postgresql://nobody:secret-word@127.0.0.1:9/nothing"
NO_BROKER = "mqtt://nobody:secret-word@127.0.0.1:9"


def run(
    *arguments: str, env: Mapping[str, str] | None = None, stdin: bytes = b""
) -> subprocess.CompletedProcess[str]:
    """Run `parking ...` to its end; no output may hold a traceback or a password."""
    done = subprocess.run(
        [PARKING, *arguments], env=clean_environment(env or {}), input=stdin, capture_output=True, timeout=180
    )
    out, err = done.stdout.decode(), done.stderr.decode()
    assert "Traceback" not in out + err, err
    assert "secret-word" not in out + err
    return subprocess.CompletedProcess(done.args, done.returncode, out, err)


def test_help_names_every_command_and_where_to_start() -> None:
    shown = run("--help")
    assert shown.returncode == 0
    assert [name for name in COMMANDS if not re.search(rf"^\s+{name}\b", shown.stdout, re.MULTILINE)] == []
    assert "Start with `parking demo`" in shown.stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_has_a_help_worth_reading(command: str) -> None:
    shown = CliRunner().invoke(app, [command, "--help"], prog_name="parking")
    assert shown.exit_code == 0
    assert len(shown.stdout.split()) > 20
    assert f"Usage: parking {command}" in shown.stdout


WRONG: list[tuple[tuple[str, ...], dict[str, str], str]] = [
    (("migrate",), {}, "PARKING_DATABASE_URL is not set"),
    (("ingest",), {}, "PARKING_DATABASE_URL is not set"),
    (
        ("ingest",),
        {"PARKING_DATABASE_URL": NO_DATABASE, "PARKING_LOG_LEVEL": "loud"},
        "PARKING_LOG_LEVEL",
    ),
    (("api",), {}, "PARKING_DATABASE_URL is not set"),
    (("api",), {"PARKING_API_PORT": "http"}, "PARKING_API_PORT"),
    (("device", "configure", "bosch-tps110", "--set", "x=1"), {}, "no downlink of bosch-tps110"),
    (("credentials", "list"), {}, "Set PARKING_BROKER_FOLDER or give --folder"),
    (("credentials", "create", "device", "a"), {}, "site: a device belongs to a site"),
    (("broker", "config", "--folder", "/nowhere", "--services", "0.0.0.0:1"), {}, "services: 0.0.0.0 can be"),
    (("keys", "list"), {}, "PARKING_DATABASE_URL is not set"),
    (
        ("keys", "create", "--name", "x", "--scope", "all"),
        {},
        "scopes: 'all' is none; there are",
    ),
    (("keys", "create", "--name", " x", "--scope", "audit:read"), {}, "name: must be 1 to 100"),
    (("keys", "rotate", "x", "--overlap", "soon"), {}, "overlap: must look like 30m"),
    (("audit", "verify", "--expect", "abc"), {}, "expect: must be 64 hexadecimal digits"),
    (("simulate",), {}, "PARKING_MQTT_URL is not set"),
    (("migrate",), {"PARKING_DATABASE_URL": "mysql://h/d"}, "PARKING_DATABASE_URL"),
    (("migrate",), {"PARKING_DATABASE_URL": NO_DATABASE}, "cannot be reached"),
    (
        ("migrate",),
        {"PARKING_DATABASE_URL": "postgresql://u:secret-word@h/d?no_such=1"},
        "cannot be read",
    ),
    (("doctor",), {"PARKING_STALE_AFTER_S": "-1"}, "PARKING_STALE_AFTER_S"),
    (("demo",), {"PARKING_DEMO_MQTT_PORT": "0"}, "PARKING_DEMO_MQTT_PORT"),
]


@pytest.mark.parametrize(("arguments", "env", "told"), WRONG)
def test_what_is_wrong_is_told_in_a_sentence(
    arguments: tuple[str, ...],
    env: dict[str, str],
    told: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    # In this process, since starting one for each takes ten times as long as all of them.
    for name in [name for name in os.environ if name.startswith("PARKING_")]:
        monkeypatch.delenv(name)
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "argv", ["parking", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    written = capsys.readouterr()
    assert ended.value.code == 1
    assert "Error: " in written.err
    assert told in written.err
    assert "secret-word" not in written.out + written.err


@pytest.mark.parametrize(("arguments", "env", "told"), [WRONG[0], WRONG[-1]])
def test_a_real_process_ends_with_a_sentence_too(
    arguments: tuple[str, ...], env: dict[str, str], told: str
) -> None:
    done = run(*arguments, env=env)
    assert (done.returncode, told in done.stderr) == (1, True)


@pytest.mark.parametrize(
    "arguments",
    [("no-such-command",), ("migrate", "--force"), ("simulate", "--bays", "many"), ("registry", "import")],
)
def test_a_wrong_call_shows_how_to_get_help(arguments: tuple[str, ...]) -> None:
    done = CliRunner().invoke(app, arguments, prog_name="parking")
    assert done.exit_code == 2
    assert "Usage: parking" in done.stderr


def test_a_registry_with_one_bad_line_is_refused_whole(database_url: str, tmp_path: Path) -> None:
    path = tmp_path / "city.json"
    good = {
        "id": "a",
        "name": "A",
        "kind": "on_street",
        "counting": "bays",
        "bays": [{"id": "a1"}, {"id": "a2"}],
    }
    env = {"PARKING_DATABASE_URL": database_url}

    def sites() -> int:
        with psycopg.connect(database_url) as connection:
            row = connection.execute("SELECT count(*) FROM site").fetchone()
        assert row is not None
        return int(row[0])

    def loading(site: dict[str, Any]) -> subprocess.CompletedProcess[str]:
        path.write_text(json.dumps({"sites": [site]}, indent=1))
        return run("registry", "import", str(path), env=env)

    bad = loading({**good, "bays": [{"id": "a1"}, {"id": "a2", "location": {"lon": 0, "lat": 514.8}}]})
    assert bad.returncode == 1
    assert "nothing was loaded" in bad.stderr
    assert "sites[0].bays[1].location.lat in a / a2: Input should be less than or equal to 90" in bad.stderr
    assert "(found '514.8')" in bad.stderr
    assert sites() == 0

    done = loading(good)
    assert (done.returncode, done.stderr) == (0, "")
    assert "created: 1 sites, 2 bays" in done.stdout
    again = loading(good)
    assert again.returncode == 0
    assert not re.search("created|changed|retired", again.stdout)

    path.write_text('{"sites": [\n {"id": "a",,}\n]}')
    spoilt = run("registry", "import", str(path), env=env)
    assert spoilt.returncode == 1
    assert "line 2" in spoilt.stderr
    assert sites() == 1


def test_a_registry_is_checked_without_a_database(tmp_path: Path) -> None:
    city = tmp_path / "city.json"
    assert run("simulate", "--bays", "20", "--sites", "3", "--write-registry", str(city)).returncode == 0
    checked = run("registry", "check", str(city))
    assert (checked.returncode, checked.stderr) == (0, "")
    assert "20 bays" in checked.stdout
    assert json.loads(run("registry", "schema").stdout)["title"] == "Registry"


def test_a_registry_is_exported_to_a_file_that_imports_to_the_same(database_url: str, tmp_path: Path) -> None:
    env = {"PARKING_DATABASE_URL": database_url}
    city, out = tmp_path / "city.json", tmp_path / "out.json"
    assert run("simulate", "--bays", "20", "--sites", "3", "--write-registry", str(city)).returncode == 0
    assert run("registry", "import", str(city), env=env).returncode == 0
    to_file = run("registry", "export", "--output", str(out), env=env)
    assert (to_file.returncode, to_file.stdout, to_file.stderr) == (0, "", "")
    assert run("registry", "export", env=env).stdout == out.read_text()
    assert list(tmp_path.glob(".*")) == []
    again = run("registry", "import", str(out), env=env)
    assert again.returncode == 0
    assert not re.search("created|changed|retired", again.stdout)
    nowhere = run("registry", "export", "--site", "nowhere", env=env)
    assert (nowhere.returncode, "'nowhere'" in nowhere.stderr) == (1, True)


def test_a_registry_needs_the_schema(empty_database_url: str, tmp_path: Path) -> None:
    path = tmp_path / "city.json"
    path.write_text('{"sites": []}')
    done = run("registry", "import", str(path), env={"PARKING_DATABASE_URL": empty_database_url})
    assert done.returncode == 1
    assert "Run `parking migrate`" in done.stderr


def test_decode_answers_every_shared_message(shared_dir: Path) -> None:
    devices = [(row, codec) for row in rows(shared_dir, "devices") if (codec := codec_of(row)) is not None]
    uplinks = [row for row in rows(shared_dir, "envelopes") if row["event"] == "up"]
    reads = [row for row in rows(shared_dir, "anpr") if row["vendor"] == "Frigate"]
    lines = [{"codec": codec, "fport": row["fport"], "payload_hex": row["hex"]} for row, codec in devices]
    lines += [{"topic": topic_of(row), "payload": row["payload"]} for row in uplinks]
    lines += [{"topic": row["topic"], "payload": row["payload"]} for row in reads]
    done = run("decode", stdin="\n".join(map(json.dumps, lines)).encode())
    assert (done.returncode, done.stderr) == (0, "")
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(answers) == len(lines) > 130

    for (row, _), answer in zip(devices, answers, strict=False):
        if is_rejected(row):
            assert not answer["observations"]
            assert answer["rejected"]["detail"], row
        else:
            assert answer["rejected"] is None
            assert answer["observations"][-1]["occupied"] is row["expected"]["occupied"], row
    codes = {"unknown_device", "invalid_json", "out_of_range"}
    for row, answer in zip(uplinks, answers[len(devices) :], strict=False):
        assert answer.get("uplink") == row["normalised"]
        assert answer["rejected"]["code"] in codes
    for row, answer in zip(reads, answers[-len(reads) :], strict=True):
        plates = [seen["plate"] for seen in answer["observations"]]
        assert plates == ([] if row["kind"] == "negative" else [row["expected"]["plate"]])


def test_decode_goes_on_after_a_line_that_it_cannot_read() -> None:
    good = json.dumps({"codec": "bosch-tps110", "fport": 1, "payload_hex": "01"})
    done = run("decode", stdin=b"\xff\xfe\n{}\n[" + b"[" * 5000 + b"\n" + good.encode())
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(answer["rejected"] or {}).get("code") for answer in answers] == [*["bad_input"] * 3, None]
    assert done.returncode == 0


def findings(env: Mapping[str, str]) -> tuple[int, dict[str, tuple[bool | None, str, str | None]]]:
    """The exit code of the doctor, and by subject: whether it is well, what he says, what to do."""
    others = {name: None for name in os.environ if name.startswith("PARKING_")}
    done = CliRunner().invoke(app, ["doctor", "--json"], env={**others, **env})
    found = json.loads(done.stdout)
    return done.exit_code, {one["subject"]: (one["ok"], one["says"], one["do"]) for one in found}


def test_the_doctor_says_what_is_missing_and_what_to_do(empty_database_url: str, database_url: str) -> None:
    code, found = findings({})
    assert code == 1
    assert found["broker"][:2] == (False, "PARKING_MQTT_URL is not set")
    assert found["database"][:2] == (False, "PARKING_DATABASE_URL is not set")

    code, found = findings({"PARKING_DATABASE_URL": NO_DATABASE, "PARKING_MQTT_URL": NO_BROKER})
    assert code == 1
    assert "refused" in found["broker"][1]
    assert "PARKING_MQTT_URL" in str(found["broker"][2])
    assert "cannot be reached" in found["database"][1]

    code, found = findings({"PARKING_DATABASE_URL": empty_database_url})
    assert code == 1
    assert found["database"][0] is True
    assert (found["schema"][0], found["schema"][2]) == (False, "Run `parking migrate`.")

    code, found = findings({"PARKING_DATABASE_URL": database_url})
    assert code == 1
    assert found["schema"][0] is found["clock"][0] is True
    assert found["registry"] == (False, "empty", "Load one: parking registry import FILE")
    assert found["ingestor"][:2] == (False, "none is running")


async def test_the_doctor_finds_a_healthy_system_well_and_a_dead_ingestor_missing(
    database_url: str, broker: Broker, tmp_path: Path, process: StartProcess
) -> None:
    await load(database_url, small_registry())
    env = {
        "PARKING_DATABASE_URL": database_url,
        "PARKING_MQTT_URL": broker.url,
        "PARKING_INGEST_PORT": "0",
        "PARKING_PLATE_KEY_DIR": str(tmp_path / "keys"),
    }
    ingestor = await process("ingest", env=env)
    await ingestor.wait_for_output("connected to the broker")

    async def well() -> bool:
        code, _ = await asyncio.to_thread(findings, env)
        return code == 0

    await until(well, timeout=60, every=0.5, what="the doctor is content")
    words = await asyncio.to_thread(run, "doctor", env=env)
    assert "ok     registry: 2 sites, 2 devices, 2 gates, 2 signs" in words.stdout
    assert "WRONG" not in words.stdout

    await ingestor.kill()

    async with connect(database_url, name="test", autocommit=True) as connection:
        await connection.execute("UPDATE ingest_status SET reported_at = reported_at - interval '20 s'")
    await broker.stop()
    code, found = await asyncio.to_thread(findings, env)
    assert code == 1
    assert found["broker"][0] is False
    assert "has not reported for 2" in found["ingestor parking-ingest"][1]


# The demo, whole. Its temporary folders are made in a folder of the test, so that what is left is seen.


@contextmanager
def taken_ports(count: int) -> Iterator[list[int]]:
    """Ports that something else listens on."""
    servers = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    try:
        yield [server.getsockname()[1] for server in servers]
    finally:
        for server in servers:
            server.close()


@pytest.fixture
def demo_folder() -> Iterator[Path]:
    """Where a demo makes its folders: the account of the database must be able to reach it."""
    with tempfile.TemporaryDirectory(prefix="parking-test-", dir="/var/tmp") as name:
        folder = Path(name)
        folder.chmod(0o711)
        yield folder


def family(mark: str) -> dict[int, str]:
    """The living processes in whose environment there is this text, by id."""
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                environment = (entry / "environ").read_bytes()
                state = (entry / "stat").read_text().rpartition(")")[2].split()[0]
                if mark.encode() in environment and state != "Z":
                    found[int(entry.name)] = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            except OSError:
                continue
    return found


async def started_demo(process: StartProcess, folder: Path, **env: str) -> tuple[ParkingProcess, str]:
    """A demo that is ready, and where it is."""
    running = await process(
        "demo",
        *("--bays", "40", "--speed", "600", "--past-days", "9"),
        env={"TMPDIR": str(folder), "HOME": str(folder), **env},
    )
    found = await running.wait_for_output(r"Ready after [\d.]+ s\. Open (http://\S+)", timeout=120)
    return running, found[1]


def names_in(folder: Path) -> list[str]:
    """What is in a folder."""
    return [path.name for path in folder.iterdir()]


async def nothing_is_left(folder: Path, running: ParkingProcess) -> None:
    """No process of the demo lives and no file of it remains."""
    await until(
        lambda: not family(f"TMPDIR={folder}"),
        timeout=60,
        what=lambda: f"all have ended: {family(f'TMPDIR={folder}')}; {running.output}",
    )
    assert names_in(folder) == []


@pytest.mark.timeout(400)
async def test_the_demo_lives_and_ends_by_sigterm_without_a_trace(
    process: StartProcess, demo_folder: Path
) -> None:
    with taken_ports(3) as ports:
        names = ("PARKING_API_PORT", "PARKING_DEMO_MQTT_PORT", "PARKING_DEMO_DATABASE_PORT")
        env = {name: str(port) for name, port in zip(names, ports, strict=True)}
        running, url = await started_demo(process, demo_folder, **env)
        assert int(url.rsplit(":", 1)[1]) not in ports
        async with httpx.AsyncClient(base_url=url, timeout=PATIENCE_S, trust_env=False) as client:
            assert "<html" in (await client.get("/")).text
            seen = set()

            async def changes() -> bool:
                sites = (await client.get("/v1/sites")).json()["sites"]
                for site in sites:
                    assert site["vacant"] + site["occupied"] + site["unknown"] == site["capacity"]
                    assert 0 <= site["free_min"] <= site["free_max"] <= site["capacity"]
                seen.add(str([(site["id"], site["vacant"], site["occupied"]) for site in sites]))
                return len(seen) >= 3

            await until(changes, timeout=60, every=0.5, what="the numbers change from poll to poll")
            key = (await running.wait_for_output(r"API key +(pk_\w+)"))[1]
            reports = "/v1/reports/maintenance"
            assert (await client.get(reports)).status_code == 401
            let_in = await client.get(reports, headers={"Authorization": f"Bearer {key}"})
            assert let_in.status_code == 200
            sites = [site["id"] for site in (await client.get("/v1/sites")).json()["sites"]]

            async def foretold() -> bool:
                found = [(await client.get(f"/v1/sites/{site}/forecast")).json() for site in sites]
                return any(site["basis"] == "history" and len(site["points"]) > 20 for site in found)

            await until(foretold, timeout=90, every=1, what="sites have learned from the made-up past")
        assert len(family(f"TMPDIR={demo_folder}")) > 5
        assert await running.terminate(30) == 0, running.output
    assert "Everything that the demo started has ended." in running.output
    assert "Traceback" not in running.output
    await nothing_is_left(demo_folder, running)


async def test_the_demo_ends_by_ctrl_c_half_way_through_its_start(
    process: StartProcess, demo_folder: Path
) -> None:
    env = {"TMPDIR": str(demo_folder), "HOME": str(demo_folder), "PARKING_API_PORT": str(choose_port())}
    running = await process("demo", "--bays", "20", env=env)
    await running.wait_for_output(r"broker", timeout=120)
    os.kill(running.pid, signal.SIGINT)
    assert await running.wait(30) == 0, running.output
    assert "Traceback" not in running.output
    await nothing_is_left(demo_folder, running)


async def test_the_demo_ends_with_the_last_words_of_a_process_that_dies(
    process: StartProcess, demo_folder: Path
) -> None:
    running, _ = await started_demo(process, demo_folder, PARKING_API_PORT=str(choose_port()))
    ingestors = [
        pid
        for pid, command in family(f"TMPDIR={demo_folder}").items()
        if re.search(r"cli\.main ingest\s*$", command) and "guardian" not in command
    ]
    assert ingestors
    os.kill(ingestors[0], signal.SIGKILL)
    assert await running.wait(40) == 1, running.output
    last_words = r"(?s)Error: `parking ingest` ended with code -?\d+\. Its last words:\n.*connected to the"
    assert re.search(last_words, running.output), running.output
    assert "Traceback" not in running.output
    await nothing_is_left(demo_folder, running)
