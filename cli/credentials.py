"""`parking credentials`: who may connect to the broker, as whom."""

import asyncio
import csv
import io
import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from cli.broker_folder import BrokerFolder, Did, folder_of, locked, tell_broker
from cli.private_files import create_private
from parking.access import LEVELS, Holder, Role, holder, holder_of
from parking.errors import AccessError
from parking.passwords import hashed, new_password
from parking.settings import Settings, load_settings

SHOWN = 20
"""More passwords than this are written to a file only."""

credentials_app = typer.Typer(
    help="Users of the broker: one for each device, gateway, camera, server and reader.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Folder = Annotated[Path | None, typer.Option(help="the broker's folder; by default PARKING_BROKER_FOLDER")]
AsJson = Annotated[bool, typer.Option("--json", help="answer as JSON")]
Output = Annotated[
    Path | None, typer.Option(help="new file of mode 600 for the passwords (CSV, or JSON with --json)")
]
Users = Annotated[list[str], typer.Argument(help="user names, as `parking credentials list` shows them")]


@dataclass(frozen=True, slots=True)
class Issued:
    """A credential that is told once."""

    holder: Holder
    password: str

    def as_json(self) -> dict[str, Any]:
        """All that its holder needs to know."""
        whose = {"role": self.holder.role, "site": self.holder.site, "id": self.holder.name}
        topics = {
            name: [topic for access, topic in self.holder.rules if access == kind]
            for name, kind in (("publishes", "write"), ("receives", "read"))
        }
        return {**whose, "user": self.holder.user, "password": self.password, **topics}


@credentials_app.command("create")
def create(
    role: Annotated[Role, typer.Argument(help="what its holder is")],
    names: Annotated[list[str] | None, typer.Argument(metavar="[ID]...", help="ids of the holders")] = None,
    site: Annotated[str | None, typer.Option(help="their site: for devices, gateways and cameras")] = None,
    registry: Annotated[
        Path | None, typer.Option(help="instead of ids: all devices or cameras of this registry file")
    ] = None,
    database: Annotated[
        bool, typer.Option("--database", help="instead of ids: all of the registry in the database")
    ] = False,
    folder: Folder = None,
    output: Output = None,
    as_json: AsJson = False,
) -> None:
    """Make credentials. A password is told once, here or in the file; the broker keeps a hash of it.

    From a registry come the devices that speak to the broker themselves (codec parking-v1) and have none yet;
    the others come through their network server, which has one.

    Examples: parking credentials create device qs-1 --site queen-street
    parking credentials create device --registry my-town.json --output passwords.csv
    """
    settings = load_settings()
    if bool(names) + (registry is not None) + database != 1:
        raise AccessError("id: give ids, or --registry FILE, or --database", hint="One of the three.")
    if names:
        holders = [holder(role, name, site) for name in names]
    else:
        holders = _registered(role, site, registry, settings)
    with locked(folder_of(folder, settings)) as broker:
        taken = [one.user for one in holders if one.user in broker.users]
        if names and taken:
            raise AccessError(
                f"{taken[0]} has a credential already", hint="See `parking credentials rotate`."
            )
        fresh = {one.user: one for one in holders if one.user not in broker.users}
        if fresh or as_json:
            _issue(broker, list(fresh.values()), Did.CREATED, output, as_json=as_json)
    note = f"{len(taken)} had one already and keep it." if taken else ""
    _say(note, tell_broker(settings) if fresh else "")


@credentials_app.command("rotate")
def rotate(users: Users, folder: Folder = None, output: Output = None, as_json: AsJson = False) -> None:
    """Give users new passwords. The old ones end, and connections made with them, once the broker is told."""
    settings = load_settings()
    with locked(folder_of(folder, settings)) as broker:
        holders = [_known(broker, user) for user in dict.fromkeys(users)]
        _issue(broker, holders, Did.ROTATED, output, as_json=as_json)
    _say(tell_broker(settings))


@credentials_app.command("revoke")
def revoke(users: Users, folder: Folder = None, as_json: AsJson = False) -> None:
    """End credentials, and the connections made with them, once the broker is told. All of them or none."""
    settings = load_settings()
    with locked(folder_of(folder, settings)) as broker:
        unique = list(dict.fromkeys(users))
        for user in unique:
            _require(broker, user)
        for user in unique:
            del broker.users[user]
        broker.save(Did.REVOKED, unique)
    told = tell_broker(settings)
    if as_json:
        typer.echo(json.dumps({"revoked": unique}))
    else:
        typer.echo(f"revoked: {', '.join(unique) if len(unique) <= SHOWN else f'{len(unique)} users'}")
    _say(told)


@credentials_app.command("list")
def list_them(
    role: Annotated[Role | None, typer.Option(help="only this role")] = None,
    site: Annotated[str | None, typer.Option(help="only this site")] = None,
    revoked: Annotated[bool, typer.Option("--revoked", help="those that were ended instead")] = False,
    folder: Folder = None,
    as_json: AsJson = False,
) -> None:
    """List who has a credential, since when, and who gave it. No password is kept that could be shown."""
    broker = BrokerFolder(folder_of(folder, load_settings()))
    last = {entry.user: entry for entry in broker.journal()}
    wanted = [user for user in last if user not in broker.users] if revoked else list(broker.users)
    rows = []
    for user in sorted(wanted):
        known, entry = holder_of(user), last.get(user)
        of = {"role": known and known.role, "site": known and known.site, "id": known and known.name}
        if (role is None or of["role"] is role) and (site is None or of["site"] == site):
            did = {"did": entry.did, "at": entry.at, "by": entry.by} if entry else {}
            rows.append({"user": user, **of, **did})
    if as_json:
        typer.echo(json.dumps(rows, indent=1))
        return
    for row in rows:
        when = f"{row['did']} {row['at']} by {row['by']}" if "did" in row else "not made by this command"
        typer.echo(f"{row['user']}  {row['role'] or 'no role: may do nothing'}  {when}")
    _say(f"{'revoked' if revoked else 'valid'} credentials: {len(rows)}")


def _registered(role: Role, site: str | None, registry: Path | None, settings: Settings) -> list[Holder]:
    """All holders of this role that the registry knows, at this site if one is named."""
    from cli.registered import from_database, from_file

    if role not in (Role.DEVICE, Role.CAMERA):
        raise AccessError(f"role: a registry has devices and cameras, no {role}", hint="Give ids instead.")
    known = from_file(role, registry) if registry is not None else asyncio.run(from_database(role, settings))
    found = [one for one in known if site in (None, one.site)]
    if not found:
        at = f" at site {site!r}" if site else ""
        raise AccessError(f"The registry has no {role} that speaks to the broker itself{at}")
    return found


def _issue(
    broker: BrokerFolder, holders: Sequence[Holder], did: Did, output: Path | None, *, as_json: bool
) -> None:
    """Give each a password. They are told before they hold, so that none is lost."""
    if output is None and len(holders) > SHOWN:
        raise AccessError(f"{len(holders)} passwords are too many to show", hint="Name a file with --output.")
    issued = []
    hidden = len(holders) <= SHOWN
    with typer.progressbar(
        holders, label=f"{len(holders)} passwords", file=sys.stderr, hidden=hidden
    ) as progress:
        for one in progress:
            issued.append(Issued(one, new_password()))
            broker.users[one.user] = hashed(issued[-1].password)
    text = json.dumps([one.as_json() for one in issued], indent=1) + "\n" if as_json else _csv(issued)
    if output is not None:
        create_private(output, text)
    broker.save(did, (one.user for one in holders))
    if output is None:
        typer.echo(text if as_json else "\n\n".join(map(_words, issued)))
    elif as_json:
        typer.echo(json.dumps({did: len(issued), "output": str(output)}))
    else:
        typer.echo(f"{did}: {len(issued)} credentials; the passwords are in {output}, and nowhere else")


def _csv(issued: Iterable[Issued]) -> str:
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(("role", "site", "id", "user", "password"))
    rows.writerows(
        (one.holder.role, one.holder.site or "", one.holder.name, one.holder.user, one.password)
        for one in issued
    )
    return text.getvalue()


def _words(issued: Issued) -> str:
    told = issued.as_json()
    lines = [f"user      {told['user']}", f"password  {told['password']}"]
    lines += [f"{name:9} {', '.join(told[name])}" for name in ("publishes", "receives") if told[name]]
    return "\n".join(lines)


def _require(broker: BrokerFolder, user: str) -> None:
    if user not in broker.users:
        raise AccessError(
            f"user: {user!r:.200} has no credential", hint="`parking credentials list` shows who has one."
        )


def _known(broker: BrokerFolder, user: str) -> Holder:
    _require(broker, user)
    known = holder_of(user)
    if known is None:
        kinds = f"SITE/{'|'.join(LEVELS.values())}/ID, or ROLE/ID"
        raise AccessError(f"user: {user!r:.200} is no name of ours, which are {kinds}")
    return known


def _say(*lines: str) -> None:
    """To standard error, so that what is printed can be piped."""
    for line in filter(None, lines):
        typer.echo(line, err=True)
