"""Settings: each that cannot be used is named, with its value and the rule, and no secret is shown."""

import re
from pathlib import Path

import pytest

from parking.access_keys import Scope
from parking.errors import SettingsError
from parking.settings import Settings, load_settings

BAD = {
    "PARKING_DATABASE_URL": [
        "",
        "localhost/parking",
        "mysql://h/d",
        "postgresql://u:p@h:port/d",
        "postgresql://[::1/d",
    ],
    "PARKING_MQTT_URL": ["localhost:1883", "http://h", "mqtt://", "mqtt://h:99999", "mqtt://u:p:w@h:x"],
    "PARKING_MQTT_PROTOCOL": ["4"],
    "PARKING_MQTT_RECEIVE_MAXIMUM": ["0", "65536", "many"],
    "PARKING_MQTT_CA_FILE": ["/no/such/file.pem"],
    "PARKING_BATCH_SIZE": ["0", "-1", "1e9"],
    "PARKING_BATCH_MS": ["0"],
    "PARKING_LATE_LIMIT_S": ["59", "1" + "0" * 18],
    "PARKING_EARLY_LIMIT_S": ["-1", "1" + "0" * 18],
    "PARKING_PAIRING_WINDOW_S": ["59", "1" + "0" * 18],
    "PARKING_API_PORT": ["65536", "http"],
    "PARKING_STALE_AFTER_S": ["0", "-5", "nan", "inf", "soon"],
    "PARKING_SIGN_VALID_S": ["4", "1" + "0" * 18],
    "PARKING_SIGN_TRUST": ["1.01", "75%"],
    "PARKING_LOG_FORMAT": ["xml"],
    "PARKING_LOG_LEVEL": ["loud"],
}


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for field in Settings.model_fields:
        monkeypatch.delenv(f"PARKING_{field.upper()}", raising=False)


@pytest.mark.parametrize(
    ("variable", "value"), [(name, value) for name, many in BAD.items() for value in many]
)
def test_a_value_that_cannot_be_used_is_named(
    variable: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(SettingsError) as caught:
        load_settings()
    message = caught.value.message
    assert f"{variable}: " in message
    assert (repr(value)[:70] in message) == (not variable.endswith("_URL"))


def test_all_bad_values_are_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable, (value, *_) in BAD.items():
        monkeypatch.setenv(variable, value)
    with pytest.raises(SettingsError) as caught:
        load_settings()
    assert [variable for variable in BAD if f"{variable}: " not in caught.value.message] == []


def test_passwords_are_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PARKING_MQTT_URL", "mqtt://u:hun:te@r2@h")
    monkeypatch.setenv("PARKING_DATABASE_URL", "postgresql://u:hunter2@h/d")
    try:
        shown = repr(load_settings()) + str(load_settings().model_dump())
    except SettingsError as error:
        shown = error.message
    assert "hunter2" not in shown
    assert "hun:te" not in shown
    assert "te@r2" not in shown


def test_the_defaults_need_no_environment() -> None:
    settings = load_settings()
    assert (settings.api_host, settings.api_port) == ("127.0.0.1", 8000)
    with pytest.raises(SettingsError, match="PARKING_DATABASE_URL is not set"):
        settings.require_database_url()
    with pytest.raises(SettingsError, match="PARKING_MQTT_URL is not set"):
        settings.require_mqtt_url()


def test_every_setting_is_described() -> None:
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []


def test_a_file_of_certificates_is_taken(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "ca.pem"
    path.touch()
    monkeypatch.setenv("PARKING_MQTT_CA_FILE", str(path))
    assert load_settings().mqtt_ca_file == path


@pytest.mark.parametrize(
    ("env", "told"),
    [
        ({"ISSUER": "http://id.example"}, "PARKING_OIDC_ISSUER: must be an https URL"),
        ({"ROLES": "[1]"}, "PARKING_OIDC_ROLES: must be JSON like"),
        ({"ROLES": '{"a": ["king"]}'}, "PARKING_OIDC_ROLES: scopes: 'king' is none"),
        ({"ROLES": '{"a": []}'}, "PARKING_OIDC_ROLES: scopes: give at least one"),
    ],
)
def test_a_wrong_identity_provider_is_told(
    monkeypatch: pytest.MonkeyPatch, env: dict[str, str], told: str
) -> None:
    for name, value in env.items():
        monkeypatch.setenv(f"PARKING_OIDC_{name}", value)
    with pytest.raises(SettingsError, match=re.escape(told)):
        load_settings()


@pytest.mark.parametrize("left_out", ["ISSUER", "AUDIENCE", "ROLES"])
def test_an_identity_provider_is_set_whole_or_not_at_all(
    monkeypatch: pytest.MonkeyPatch, left_out: str
) -> None:
    whole = {"ISSUER": "https://id.example/v2.0", "AUDIENCE": "api", "ROLES": '{"a": ["reports:read"]}'}
    for name, value in whole.items():
        monkeypatch.setenv(f"PARKING_OIDC_{name}", value)
    oidc = load_settings().oidc
    assert oidc is not None
    assert oidc.roles == {"a": frozenset({Scope.REPORTS_READ})}
    monkeypatch.delenv(f"PARKING_OIDC_{left_out}")
    with pytest.raises(SettingsError, match=f"PARKING_OIDC_{left_out} is not|ISSUER is not"):
        _ = load_settings().oidc


def test_people_sign_in_through_a_provider_that_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_settings().oidc_login is None
    monkeypatch.setenv("PARKING_OIDC_CLIENT_ID", "pages")
    with pytest.raises(SettingsError, match="PARKING_OIDC_ISSUER is not"):
        _ = load_settings().oidc_login
    whole = {"ISSUER": "https://id.example/v2.0", "AUDIENCE": "api", "ROLES": '{"a": ["reports:read"]}'}
    for name, value in whole.items():
        monkeypatch.setenv(f"PARKING_OIDC_{name}", value)
    login = load_settings().oidc_login
    assert login is not None
    assert (login.client_id, login.client_secret, login.scope) == ("pages", None, "openid profile email")
    monkeypatch.setenv("PARKING_OIDC_LOGIN_SCOPE", "profile")
    with pytest.raises(SettingsError, match="PARKING_OIDC_LOGIN_SCOPE"):
        load_settings()
