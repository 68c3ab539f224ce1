"""`parking audit`: who changed what, and whether that record is whole."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from cli.private_files import create_private
from parking.audit import Broken, Chain, Entry, as_line, from_line
from parking.errors import AuditError
from parking.settings import load_settings

LINES_AT_ONCE = 2000

audit_app = typer.Typer(
    help="The log of every change that a person or a key made.", no_args_is_help=True, rich_markup_mode=None
)

AsJson = Annotated[bool, typer.Option("--json", help="answer as JSON")]
Time = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"])]


@audit_app.command("list")
def list_them(
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="most rows, the newest")] = 50,
    actor: Annotated[str, typer.Option(help="whose name begins so")] = "",
    action: Annotated[str, typer.Option(help="what begins so: key.")] = "",
    subject: Annotated[str, typer.Option(help="what it was done to begins so: site/")] = "",
    since: Time = None,
    until: Time = None,
    as_json: AsJson = False,
) -> None:
    """List changes, the newest first. Times are in UTC."""
    from parking.db.audit import Filter, page

    wanted = Filter(actor=actor, action=action, subject=subject, since=_utc(since), until=_utc(until))

    async def read() -> list[Entry]:
        async with _database() as connection:
            return await page(connection, wanted, limit=limit)

    for entry in asyncio.run(read()):
        if as_json:
            typer.echo(as_line(entry))
            continue
        typer.echo(
            f"{entry.audit_id}  {entry.at:%Y-%m-%d %H:%M:%S}  {entry.actor}  {entry.action}  {entry.subject}"
        )
        for line in _changes(entry.before, entry.after):
            typer.echo(f"    {line}")


@audit_app.command("verify")
def verify(
    expect: Annotated[
        str | None, typer.Option(metavar="HASH", help="a row must have this hash, which you noted earlier")
    ] = None,
    file: Annotated[
        Path | None, typer.Option(help="an export instead of the database", exists=True, dir_okay=False)
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Walk the whole log and check that no row was changed, removed, added or moved.

    Prints the hash of the last row. Keep it where nobody who can change the database can change it too: only
    with --expect HASH can a log be known that was cut off or written anew as a whole. Ends with 1 if the log
    is not whole.
    """
    chain = Chain(expect=_hash(expect))
    broken = _verify_file(chain, file) if file else asyncio.run(_verify_database(chain))
    if as_json:
        typer.echo(
            json.dumps(
                {
                    "whole": broken is None,
                    "rows": chain.last_id,
                    "head": chain.head.hex(),
                    "expected_at": chain.expected_at,
                    "broken": broken and {"row": broken.audit_id, "rule": broken.rule},
                },
                indent=1,
            )
        )
    elif broken is None:
        found = "" if chain.expected_at is None else f" The expected hash is that of row {chain.expected_at}."
        typer.echo(f"The audit log is whole: {chain.last_id} rows.{found}")
        typer.echo(f"head {chain.head.hex()}")
    if broken is not None:
        where = f"row {broken.audit_id}" if broken.audit_id else "as a whole"
        raise AuditError(
            f"The audit log is not whole: {where}: {broken.rule}.",
            hint=f"The first {chain.last_id} rows are as they were written. Compare with a backup or export.",
        )


@audit_app.command("export")
def export(
    output: Annotated[
        Path | None, typer.Option(help="new file of mode 600; by default standard output")
    ] = None,
) -> None:
    """Write the whole log as JSON lines, the oldest first; `parking audit verify --file` checks them."""

    async def write(put: Callable[[str], Any]) -> int:
        count = 0
        async with _log() as (_, chunks):
            async for entries in chunks:
                put("".join(f"{as_line(entry)}\n" for entry in entries))
                count += len(entries)
        return count

    if output is None:
        asyncio.run(write(sys.stdout.write))
        return
    create_private(output, "")
    with output.open("w", encoding="utf-8") as file:
        count = asyncio.run(write(file.write))
    typer.echo(f"{count} rows are in {output}.", err=True)


def _verify_file(chain: Chain, path: Path) -> Broken | None:
    with path.open(encoding="utf-8", errors="replace") as lines:
        for number, line in enumerate(lines, 1):
            try:
                broken = chain.walk([from_line(line)])
            except AuditError as error:
                raise AuditError(f"{path}, line {number}: {error.message}") from error
            if broken is not None:
                return broken
    return chain.end_alone()


async def _verify_database(chain: Chain) -> Broken | None:
    async with _log() as ((last_id, head), chunks):
        with _progress(last_id) as advance:
            async for entries in chunks:
                broken = chain.walk(entries)
                if broken is not None:
                    return broken
                advance(len(entries))
        return chain.end(last_id, head)


@contextmanager
def _progress(total: int) -> Iterator[Callable[[int], None]]:
    hidden = total <= LINES_AT_ONCE or not sys.stderr.isatty()
    with typer.progressbar(length=total, label=f"{total} rows", file=sys.stderr, hidden=hidden) as bar:
        yield bar.update


@asynccontextmanager
async def _log() -> AsyncIterator[tuple[tuple[int, bytes], AsyncIterator[list[Entry]]]]:
    """The end of the log, and all its rows, as of one moment."""
    from parking.db.audit import log_end, walk_log
    from parking.db.connect import statement

    async with _database() as connection, connection.transaction():
        await connection.execute(statement("schema", "one_snapshot"))
        yield await log_end(connection), walk_log(connection)


@asynccontextmanager
async def _database() -> AsyncIterator[Any]:
    from parking.db.connect import connect
    from parking.db.migrate import check_schema

    url = load_settings().require_database_url()
    async with connect(url, name="parking audit", autocommit=True) as connection:
        await check_schema(connection)
        yield connection


def _hash(text: str | None) -> bytes | None:
    if text is None:
        return None
    try:
        value = bytes.fromhex(text)
    except ValueError:
        value = b""
    if len(value) != 32:
        raise AuditError(
            f"expect: must be 64 hexadecimal digits (found {text!r:.80})",
            hint="`parking audit verify` prints one.",
        )
    return value


def _utc(at: datetime | None) -> datetime | None:
    return None if at is None else at.replace(tzinfo=UTC)


def _changes(before: Any, after: Any) -> Iterator[str]:
    """What differs, a line each: `name: old -> new`."""
    if not (isinstance(before, dict) and isinstance(after, dict)):
        yield f"{_short(before)} -> {_short(after)}" if before is not None else _short(after)
        return
    for name in sorted({*before, *after}):
        old, new = before.get(name), after.get(name)
        if old != new:
            yield f"{name}: {_short(old)} -> {_short(new)}"


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 200 else f"{text[:199]}…"
