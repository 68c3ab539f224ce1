"""docker-compose.yml and the Dockerfile: valid, safe, and the same as what the tests run.

No engine is needed: the schema of the compose specification comes with check-jsonschema.
"""

import json
import re
import shlex
import subprocess
import tomllib
from importlib.resources import files
from typing import Any

import jsonschema
import pytest
import yaml

from parking.settings import Settings
from tests.support.processes import PARKING, clean_environment
from tests.support.services import MOSQUITTO_CONF, PROJECT

COMPOSE: dict[str, Any] = yaml.safe_load((PROJECT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if "build" in service}
DOCKERFILE = (PROJECT / "Dockerfile").read_text()

each_service = pytest.mark.parametrize("name", SERVICES)
each_of_ours = pytest.mark.parametrize("name", OURS)


def test_the_file_follows_the_compose_specification() -> None:
    schema = files("check_jsonschema").joinpath("builtin_schemas/vendor/compose-spec.json").read_text()
    jsonschema.validate(COMPOSE, json.loads(schema))


def test_it_has_the_parts_of_the_system() -> None:
    assert set(SERVICES) >= {"mosquitto", "timescaledb", "migrate", "ingest", "api", "simulate"}
    demo = {name for name, service in SERVICES.items() if service.get("profiles") == ["demo"]}
    assert demo == {"city", "simulate"}


@each_service
def test_a_service_has_limits_and_no_privileges(name: str) -> None:
    service = SERVICES[name]
    assert set(service["deploy"]["resources"]["limits"]) == {"cpus", "memory"}
    uid = int(service["user"].partition(":")[0])
    assert uid > 0
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["restart"] in ("unless-stopped", "on-failure")


@each_service
def test_only_the_database_may_write_outside_its_volumes(name: str) -> None:
    assert SERVICES[name].get("read_only", False) is (name != "timescaledb")


@each_service
def test_an_image_is_pinned_to_a_release(name: str) -> None:
    assert re.search(r":(\d+\.\d+\.\d+(-pg\d+)?|\$\{PARKING_VERSION:-local\})$", SERVICES[name]["image"])


@each_service
def test_a_service_waits_for_what_tells_when_it_is_ready(name: str) -> None:
    for other, how in SERVICES[name].get("depends_on", {}).items():
        if how["condition"] == "service_healthy":
            assert SERVICES[other]["healthcheck"]["test"]
        else:
            assert how["condition"] == "service_completed_successfully"
            assert SERVICES[other]["restart"] == "on-failure"


@each_service
def test_ports_are_open_to_this_machine_only(name: str) -> None:
    for port in SERVICES[name].get("ports", []):
        assert re.fullmatch(r"\$\{PARKING_\w+_LISTEN:-127\.0\.0\.1:\d+\}:\d+", port)


@each_service
def test_what_is_mounted_exists(name: str) -> None:
    for mount in SERVICES[name].get("volumes", []):
        source = mount.split(":")[0]
        if source.startswith("."):
            assert mount.endswith(":ro")
            assert (PROJECT / source).is_file()
        else:
            assert source in COMPOSE["volumes"]


def test_the_broker_runs_the_configuration_that_the_tests_run() -> None:
    mounts = dict(mount.split(":")[:2] for mount in SERVICES["mosquitto"]["volumes"])
    assert PROJECT / "deploy/mosquitto/mosquitto.conf" == MOSQUITTO_CONF
    assert mounts["./deploy/mosquitto/mosquitto.conf"] == "/mosquitto/config/mosquitto.conf"


@each_of_ours
def test_a_command_is_one_that_we_have(name: str) -> None:
    for words in _commands(SERVICES[name]):
        done = subprocess.run(
            [PARKING, *words, "--help"],
            cwd=PROJECT,
            env=clean_environment({}),
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        options = [word for word in words if word.startswith("--")]
        assert [option for option in options if option not in done.stdout] == []


def _commands(service: dict[str, Any]) -> list[list[str]]:
    """The arguments of each `parking` that a service runs, by itself or in a line of shell."""
    if "entrypoint" not in service:
        return [service["command"]]
    (line,) = service["command"]
    return [shlex.split(part)[1:] for part in line.split("&&")]


@each_of_ours
def test_every_setting_is_one_that_we_read(name: str) -> None:
    settings = {variable.removeprefix("PARKING_").lower() for variable in OURS[name]["environment"]}
    assert settings <= set(Settings.model_fields)


@each_of_ours
def test_addresses_name_services(name: str) -> None:
    environment = OURS[name]["environment"]
    assert re.search(r"@timescaledb:5432/parking$", environment["PARKING_DATABASE_URL"])
    assert re.search(r"@mosquitto:1883$", environment["PARKING_MQTT_URL"])


def test_every_variable_of_the_file_is_in_the_example() -> None:
    used = set(re.findall(r"\$\{(PARKING_\w+)", (PROJECT / "docker-compose.yml").read_text()))
    example = set(re.findall(r"^(PARKING_\w+)=", (PROJECT / ".env.example").read_text(), re.MULTILINE))
    assert used - example == {"PARKING_VERSION", "PARKING_LOG_FORMAT"}
    assert example <= used


def test_the_image_holds_every_package_and_runs_without_rights() -> None:
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())
    packages = project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    copied = re.findall(r"^COPY (\w+) \1$", DOCKERFILE, re.MULTILINE)
    assert sorted(copied) == sorted(packages)
    assert re.findall(r"^USER (\S+)$", DOCKERFILE, re.MULTILINE) == [OURS["api"]["user"]]
    assert "--require-hashes -r requirements.lock" in DOCKERFILE


def test_the_image_is_sent_every_file_that_it_copies() -> None:
    sent = re.findall(r"^!(\S+)$", (PROJECT / ".dockerignore").read_text(), re.MULTILINE)
    wanted = [
        path
        for line in re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.MULTILINE)
        for path in line.split()
    ]
    assert sorted(sent) == sorted(set(wanted))
    assert all((PROJECT / path).exists() for path in wanted)


def test_the_scripts_are_sound() -> None:
    for script in sorted((PROJECT / "deploy").rglob("*.sh")):
        subprocess.run(["bash", "-n", script], check=True)


def test_the_locks_name_no_address_and_pin_each_package_with_its_hash() -> None:
    for lock in ("requirements.lock", "requirements-dev.lock"):
        text = (PROJECT / lock).read_text()
        assert "://" not in text
        pins = re.findall(r"^[a-z0-9.-]+==\S+(?: ;[^\\\n]*)? \\\n    --hash=sha256:", text, re.MULTILINE)
        assert len(pins) == len(re.findall(r"^[a-z0-9]", text, re.MULTILINE)) > 20


def test_the_runtime_lock_is_part_of_the_development_lock() -> None:
    def pins(lock: str) -> set[str]:
        return set(re.findall(r"^([a-z0-9.-]+==[^\s;]+)", (PROJECT / lock).read_text(), re.MULTILINE))

    assert pins("requirements.lock") < pins("requirements-dev.lock")


class _Overrides(yaml.SafeLoader):
    """Reads the tag by which compose replaces instead of adding."""


def _read_list(loader: yaml.SafeLoader, node: Any) -> list[Any]:
    return list(loader.construct_sequence(node))


_Overrides.add_constructor("!override", _read_list)


def test_the_street_s_file_fits_over_the_main_one() -> None:
    text = (PROJECT / "deploy" / "compose.street.yml").read_text()
    street = yaml.load(text, Loader=_Overrides)
    schema = files("check_jsonschema").joinpath("builtin_schemas/vendor/compose-spec.json").read_text()
    jsonschema.validate(street, json.loads(schema))
    assert set(street["services"]) <= set(SERVICES)
    settings = street["services"]["ingest"]["environment"]
    assert set(settings) <= set(OURS["ingest"]["environment"])
    assert settings["PARKING_MQTT_URL"].startswith("mqtt://ingestor%2Fmain:")
    (mounted,) = street["services"]["mosquitto"]["volumes"]
    inside = mounted.removesuffix(":ro").rpartition(":")[2]
    command = street["services"]["mosquitto"]["command"]
    assert command == ["mosquitto", "-c", f"{inside}/mosquitto.conf"]
    assert f"--inside {inside} " in (PROJECT / "docs" / "broker.md").read_text()
