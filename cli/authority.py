"""A certificate authority of our own, for development and for councils without one; EC keys, PEM files."""

import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from cli.private_files import private_folder, replace_private
from parking.errors import AccessError

AUTHORITY_DAYS: Final = 3650
_CLOCKS: Final = timedelta(hours=1)
"""A device's clock may be slow."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A certificate and its key in files."""

    certificate: Path
    key: Path

    def load(self) -> x509.Certificate | None:
        """The certificate, None if there is none. Raises AccessError if it cannot be used."""
        if not self.certificate.exists():
            return None
        return load_certificate(self.certificate)


def load_certificate(path: Path) -> x509.Certificate:
    """The first certificate of a PEM file. Raises AccessError."""
    try:
        return x509.load_pem_x509_certificate(path.read_bytes())
    except (OSError, ValueError) as error:
        raise AccessError(f"{path} holds no certificate in PEM form: {error}") from error


def check_pair(pair: Pair) -> datetime:
    """When the certificate ends. Raises AccessError unless it holds now and the key is its key."""
    until = load_certificate(pair.certificate).not_valid_after_utc
    if until <= datetime.now(UTC):
        raise AccessError(f"{pair.certificate} ended on {until:%Y-%m-%d}", hint="Put a newer one in place.")
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(pair.certificate, pair.key, password="")
    except OSError as error:
        raise AccessError(
            f"{pair.certificate} and {pair.key} do not make a pair: {error}",
            hint="Give the certificate (with its chain) and the private key, both PEM, without a passphrase.",
        ) from error
    return until


class Authority:
    """The authority in a folder, made if it is not there; `ca.pem` is what others trust."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.pair = Pair(folder / "ca.pem", folder / "ca.key")
        private_folder(folder)
        found = self.pair.load()
        if found is None:
            self._key, self.certificate = self._make()
            return
        self.certificate = found
        try:
            key = serialization.load_pem_private_key(self.pair.key.read_bytes(), None)
        except (OSError, ValueError, TypeError) as error:
            raise AccessError(f"{self.pair.key} holds no private key: {error}") from error
        check_pair(self.pair)
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        self._key = key

    def issue(self, name: str, hosts: tuple[str, ...], *, days: int, renew_within: int) -> tuple[Pair, bool]:
        """A certificate for a server's hosts, or a client's if there are none; False: the old one does."""
        pair = Pair(self.folder / f"{name}.pem", self.folder / f"{name}.key")
        old = pair.load()
        soon = datetime.now(UTC) + timedelta(days=renew_within)
        if old is not None and old.not_valid_after_utc > soon and _hosts(old) == {*map(_alternative, hosts)}:
            return pair, False
        key = ec.generate_private_key(ec.SECP256R1())
        usage = ExtendedKeyUsageOID.SERVER_AUTH if hosts else ExtendedKeyUsageOID.CLIENT_AUTH
        builder = (
            _begun(hosts[0] if hosts else name, days)
            .issuer_name(self.certificate.subject)
            .public_key(key.public_key())
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False
            )
        )
        if hosts:
            names = x509.SubjectAlternativeName([_alternative(host) for host in hosts])
            builder = builder.add_extension(names, critical=False)
        _write(pair, builder.sign(self._key, hashes.SHA256()), key)
        return pair, True

    def _make(self) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
        key = ec.generate_private_key(ec.SECP256R1())
        builder = _begun("Smart parking broker CA", AUTHORITY_DAYS)
        usage = x509.KeyUsage(
            digital_signature=True, key_cert_sign=True, crl_sign=True, content_commitment=False,
            key_encipherment=False, data_encipherment=False, key_agreement=False, encipher_only=False,
            decipher_only=False,
        )  # fmt: skip
        certificate = (
            builder.issuer_name(_name("Smart parking broker CA"))
            .public_key(key.public_key())
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(usage, critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .sign(key, hashes.SHA256())
        )
        _write(self.pair, certificate, key)
        return key, certificate


def _begun(common_name: str, days: int) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(_name(common_name))
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _CLOCKS)
        .not_valid_after(now + timedelta(days=days))
    )


def _name(common_name: str) -> x509.Name:
    # A common name has at most 64 characters; clients look at the alternative names.
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name[:64])])


def _alternative(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _hosts(certificate: x509.Certificate) -> set[x509.GeneralName]:
    try:
        return {*certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value}
    except x509.ExtensionNotFound:
        return set()


def _write(pair: Pair, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> None:
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    replace_private(pair.key, private)
    replace_private(pair.certificate, certificate.public_bytes(serialization.Encoding.PEM))
