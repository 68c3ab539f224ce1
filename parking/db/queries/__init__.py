"""The SQL files, and the loader that finds a statement by its name."""

from functools import cache
from importlib.resources import files


@cache
def load(name: str) -> dict[str, str]:
    """The statements of `{name}.sql` by name: each follows a line `-- name: purpose`."""
    statements: dict[str, list[str]] = {}
    current: list[str] = []
    for line in files(__package__).joinpath(f"{name}.sql").read_text("utf-8").splitlines():
        if line.startswith("-- ") and ":" in line and line[3 : line.index(":")].isidentifier():
            current = statements.setdefault(line[3 : line.index(":")], [])
        else:
            current.append(line)
    return {name: "\n".join(lines).strip() for name, lines in statements.items()}
