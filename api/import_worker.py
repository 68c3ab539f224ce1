"""Imports a file of the registry in a process of its own, so that the API answers all the while.

`python -m api.import_worker OPTIONS`: the file on standard input, the outcome as JSON on standard output.
"""

import asyncio
import os
import sys
from typing import IO, Any

import msgspec

from parking.db.connect import connect
from parking.db.failures import explain
from parking.db.migrate import check_schema
from parking.db.registry_files import Options, Report, import_file
from parking.errors import ConflictError, DatabaseUnavailable, Fault, ParkingError, RegistryError
from parking.settings import load_settings

WITHIN_S = 300.0
"""A file that takes longer than this is given up; its transaction is undone."""
_NICE = 5


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a file: a report, or why nothing was done."""

    report: Report | None = None
    error: str | None = None
    message: str = ""
    faults: list[tuple[str, str | None, str, str, int | None]] = []


async def import_apart(file: IO[bytes], options: Options, *, database_url: str) -> Report:
    """Import the file in another process. Raises what `import_file` does, and DatabaseUnavailable."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "api.import_worker", msgspec.json.encode(options).decode()),
        stdin=file,
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "PARKING_DATABASE_URL": database_url, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    try:
        async with asyncio.timeout(WITHIN_S):
            out, _ = await process.communicate()
    except TimeoutError:
        raise DatabaseUnavailable("The import took too long and was given up.") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode != 0:
        raise RuntimeError(f"the import ended with {process.returncode}")
    return _told(msgspec.json.decode(out, type=Outcome))


def _told(outcome: Outcome) -> Report:
    if outcome.report is not None:
        return outcome.report
    if outcome.error == "registry":
        raise RegistryError(outcome.message, faults=tuple(Fault(*fault) for fault in outcome.faults))
    raise (ConflictError if outcome.error == "conflict" else DatabaseUnavailable)(outcome.message)


async def _run(options: Options) -> Outcome:
    data = sys.stdin.buffer.read()
    url = load_settings().require_database_url()
    try:
        async with connect(url, name="parking import", autocommit=True) as connection:
            await check_schema(connection)
            async with connection.transaction():
                return Outcome(report=await import_file(connection, data, options))
    except RegistryError as error:
        faults: list[Any] = [tuple(fault) for fault in error.faults]
        faults = faults or [("file", None, problem, "", None) for problem in error.problems]
        return Outcome(error="registry", message=error.message, faults=faults)
    except ConflictError as error:
        return Outcome(error="conflict", message=error.message)
    except ParkingError as error:
        return Outcome(error="away", message=error.message)
    except Exception as error:
        known = explain(error)
        if known is None:
            raise
        return Outcome(error="away", message=known.message)


def main() -> None:
    """Do one import and end."""
    os.nice(_NICE)
    options = msgspec.json.decode(sys.argv[1], type=Options)
    outcome = asyncio.run(_run(options))
    sys.stdout.buffer.write(msgspec.json.encode(outcome))


if __name__ == "__main__":
    main()
