"""`parking broker`: the configuration and the certificates of the broker."""

import pwd
import re
import shlex
import shutil
from pathlib import Path, PurePosixPath
from typing import Annotated

import typer

from cli.authority import Authority, Pair, check_pair, load_certificate
from cli.broker_config import (
    BASE,
    CERTIFICATE,
    CLIENT_AUTHORITY,
    KEY,
    MARK,
    Guard,
    Plan,
    address,
    guard_of,
    render,
)
from cli.broker_folder import folder_of, locked, prepare_folder, tell_broker
from cli.broker_trial import find_mosquitto, try_out
from cli.private_files import replace_private
from parking.access import NAME
from parking.errors import AccessError
from parking.settings import load_settings

CONFIG = "mosquitto.conf"

broker_app = typer.Typer(
    help="Listeners, limits and certificates of the broker (Mosquitto).",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Folder = Annotated[Path | None, typer.Option(help="folder for its files; by default PARKING_BROKER_FOLDER")]
Mosquitto = Annotated[
    str | None, typer.Option(help="command that starts the broker, to try the file; by default mosquitto")
]
Inside = Annotated[Path | None, typer.Option(help="the folder as the broker sees it, if it sees another")]


@broker_app.command("config")
def config(
    folder: Folder = None,
    output: Annotated[
        Path | None, typer.Option(help=f"the configuration; by default {CONFIG} in the folder")
    ] = None,
    owner: Annotated[
        str | None,
        typer.Option(
            help="account of the broker, by name or UID:GID, which is to own a new folder (needs root)"
        ),
    ] = None,
    street: Annotated[str, typer.Option(help="TLS, for devices, servers and readers")] = "0.0.0.0:8883",
    services: Annotated[str, typer.Option(help="for ingestor and operators")] = "127.0.0.1:1883",
    guard: Annotated[
        Guard | None, typer.Option(help="what keeps strangers from --services off this machine")
    ] = None,
    certificate: Annotated[Path | None, typer.Option(help="the broker's certificate, PEM")] = None,
    key: Annotated[Path | None, typer.Option(help="its private key, PEM")] = None,
    client_authority: Annotated[
        Path | None, typer.Option(help="who signs our services' certificates, for --guard certificates")
    ] = None,
    data: Annotated[Path, typer.Option(help="folder of the broker's store")] = Path("/var/lib/mosquitto"),
    max_connections: Annotated[int, typer.Option(min=1, help="on the street")] = 50_000,
    max_packet_size: Annotated[int, typer.Option(min=1024, help="bytes")] = 1_048_576,
    max_keepalive: Annotated[int, typer.Option(min=30, max=65535, help="seconds")] = 3600,
    inside: Inside = None,
    base: Annotated[Path, typer.Option(help="the file to begin with")] = BASE,
    mosquitto: Mosquitto = None,
) -> None:
    """Write the broker's configuration, and the folder with certificate, passwords and rules; and try it.

    On Debian, as root: parking broker config --folder /var/lib/mosquitto/parking --owner mosquitto
    --output /etc/mosquitto/mosquitto.conf --certificate fullchain.pem --key privkey.pem

    Safe to repeat: passwords stay. A configuration that is not ours is kept as FILE.before-parking.
    """
    settings = load_settings()
    place = folder_of(folder, settings)
    where = address(services, "services")
    plan = Plan(
        street=address(street, "street"),
        services=where,
        guard=guard_of(where, guard),
        folder=PurePosixPath(inside or place.absolute()),
        data=PurePosixPath(data),
        max_connections=max_connections,
        max_packet_size=max_packet_size,
        max_keepalive_s=max_keepalive,
    )
    text = render(plan, _read(base))
    prepare_folder(place, _account(owner))
    with locked(place):
        _install(place, certificate, key)
        if client_authority is not None:
            load_certificate(client_authority)
            replace_private(place / CLIENT_AUTHORITY, client_authority.read_bytes())
        _check(text, place, plan.folder, mosquitto)
        target = output or place / CONFIG
        _keep_other(target)
        replace_private(target, text)
        if output is not None:
            target.chmod(0o644)
    typer.echo(f"written: {target}")
    typer.echo(f"The street is at {street} (TLS), our services at {services} ({plan.guard}).")
    if max_connections > 1000:
        typer.echo("Each connection is an open file: give the broker as many (systemd: LimitNOFILE=).")


@broker_app.command("check")
def check(
    folder: Folder = None,
    config_file: Annotated[
        Path | None, typer.Option("--config", help=f"by default {CONFIG} in the folder")
    ] = None,
    inside: Inside = None,
    mosquitto: Mosquitto = None,
) -> None:
    """Check certificate, passwords and rules, and start the broker on other ports to see if it takes them."""
    place = folder_of(folder, load_settings())
    with locked(place):
        text = _read(config_file or place / CONFIG)
        _check(text, place, PurePosixPath(inside or place.absolute()), mosquitto)


@broker_app.command("certificate")
def install_certificate(
    certificate: Annotated[Path, typer.Argument(help="PEM, with its chain")],
    key: Annotated[Path, typer.Argument(help="its private key, PEM")],
    folder: Folder = None,
) -> None:
    """Put a new certificate in place. Connections stay; new ones see it once the broker is told."""
    settings = load_settings()
    place = folder_of(folder, settings)
    with locked(place):
        _install(place, certificate, key)
    typer.echo(tell_broker(settings), err=True)


@broker_app.command("authority")
def authority(
    folder: Annotated[Path, typer.Argument(help="where it is or shall be; keep it off the broker")],
    host: Annotated[
        list[str] | None, typer.Option(help="name or address of the broker; may be given several times")
    ] = None,
    client: Annotated[
        list[str] | None, typer.Option(help="one of our machines, for --guard certificates")
    ] = None,
    days: Annotated[int, typer.Option(min=1, max=825, help="how long a certificate holds")] = 90,
    renew_within: Annotated[
        int, typer.Option(min=0, help="leave one alone that holds for more days than this")
    ] = 30,
) -> None:
    """Make certificates with an authority of our own, for development or a closed network.

    Safe to repeat, from cron for instance: it renews what ends soon. Devices trust FOLDER/ca.pem.
    """
    hosts, clients = tuple(host or ()), tuple(client or ())
    for one in hosts:
        if not one.isascii() or not one.strip("-") or "/" in one or " " in one:
            raise AccessError(f"host: must be a name or an address (found {one!r:.80})")
    for one in clients:
        if not NAME.fullmatch(one) or one in ("ca", "server"):
            raise AccessError(
                f"client: must be 1 to 64 of A-Z a-z 0-9 . _ -, not ca or server (found {one!r:.80})"
            )
    made = Authority(folder)
    typer.echo(
        f"{made.pair.certificate} is the authority, until {made.certificate.not_valid_after_utc:%Y-%m-%d}"
    )
    wanted = ([("server", hosts)] if hosts else []) + [(one, ()) for one in clients]
    for name, of in wanted:
        pair, fresh = made.issue(name, of, days=days, renew_within=renew_within)
        until = check_pair(pair)
        typer.echo(f"{pair.certificate} {'was made' if fresh else 'still holds'}, until {until:%Y-%m-%d}")


def _install(place: Path, certificate: Path | None, key: Path | None) -> None:
    """Copy a pair into the folder, since the broker cannot read root's files after its start."""
    if (certificate is None) is not (key is None):
        raise AccessError("certificate, key: give both or neither")
    if certificate is not None and key is not None:
        check_pair(Pair(certificate, key))
        replace_private(place / KEY, key.read_bytes())
        replace_private(place / CERTIFICATE, certificate.read_bytes())


def _check(text: str, place: Path, inside: PurePosixPath, mosquitto: str | None) -> None:
    for name, option in _needed(text):
        if not (place / name).exists():
            raise AccessError(
                f"{option}: {place / name} is not there yet", hint="See `parking broker authority`."
            )
    until = check_pair(Pair(place / CERTIFICATE, place / KEY))
    typer.echo(f"The certificate holds until {until:%Y-%m-%d}.")
    command = shlex.split(mosquitto) if mosquitto else find_mosquitto()
    if command:
        try_out(text, command=command, folder=place, inside=inside)
        typer.echo("Mosquitto takes the configuration.")
    else:
        typer.echo("There is no mosquitto on this machine to try it with (--mosquitto names a command).")


def _needed(text: str) -> list[tuple[str, str]]:
    """The files that a configuration needs besides, and the options that bring them."""
    needed = [(CERTIFICATE, "certificate"), (KEY, "key")]
    return [*needed, (CLIENT_AUTHORITY, "client_authority")] if "require_certificate" in text else needed


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise AccessError(f"{path} cannot be read: {error}") from error


def _keep_other(target: Path) -> None:
    """What somebody else wrote is kept beside."""
    if target.exists() and not _read(target).startswith(MARK):
        shutil.copy2(target, target.with_name(f"{target.name}.before-parking"))


def _account(name: str | None) -> tuple[int, int] | None:
    if name is None:
        return None
    if re.fullmatch(r"\d{1,9}:\d{1,9}", name):
        user, _, group = name.partition(":")
        return int(user), int(group)
    try:
        found = pwd.getpwnam(name)
    except KeyError as error:
        raise AccessError(f"owner: there is no account {name!r} on this machine") from error
    return found.pw_uid, found.pw_gid
