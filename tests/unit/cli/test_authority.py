"""What is shown and trusted on mqtts://, and what is told where it cannot be used."""

import ssl
from pathlib import Path

import pytest

from cli.authority import Authority, check_pair
from parking.access import Role
from parking.errors import AccessError, SettingsError
from parking.settings import Settings
from parking.tls import tls_context
from tests.support.services import PROJECT


def test_an_authority_s_files_are_taken_and_others_told(tmp_path: Path) -> None:
    authority = Authority(tmp_path / "ca")
    pair, fresh = authority.issue("ingest-1", (), days=2, renew_within=1)
    assert fresh

    def shown_with(key: Path) -> ssl.SSLContext:
        ca = authority.pair.certificate
        return tls_context(Settings(mqtt_ca_file=ca, mqtt_cert_file=pair.certificate, mqtt_key_file=key))

    context = shown_with(pair.key)
    assert len(context.get_ca_certs()) == 1
    with pytest.raises(SettingsError, match=r"PARKING_MQTT_CERT_FILE: .*PARKING_MQTT_KEY_FILE"):
        shown_with(authority.pair.key)
    with pytest.raises(SettingsError, match=r"PARKING_MQTT_CA_FILE: .* holds no certificates"):
        tls_context(Settings(mqtt_ca_file=pair.key))


def test_a_certificate_is_renewed_when_it_ends_soon_or_names_change(tmp_path: Path) -> None:
    def issue(*hosts: str, within: int = 1) -> bool:
        return Authority(tmp_path / "ca").issue("server", hosts, days=5, renew_within=within)[1]

    assert [issue("a.example"), issue("a.example"), issue("a.example", within=6)] == [True, False, True]
    assert [issue("a.example", "127.0.0.1"), issue("127.0.0.1", "a.example")] == [True, False]


def test_a_pair_that_is_none_is_told(tmp_path: Path) -> None:
    authority = Authority(tmp_path / "ca")
    one, _ = authority.issue("one", ("a.example",), days=5, renew_within=1)
    old, _ = authority.issue("old", ("a.example",), days=0, renew_within=0)
    with pytest.raises(AccessError, match="do not make a pair"):
        check_pair(type(one)(one.certificate, old.key))
    with pytest.raises(AccessError, match="ended on"):
        check_pair(old)
    with pytest.raises(AccessError, match="holds no certificate"):
        check_pair(type(one)(one.key, one.key))


def test_the_page_has_each_role() -> None:
    page = (PROJECT / "docs" / "broker.md").read_text()
    assert [role for role in Role if f"| `{role}` |" not in page] == []
