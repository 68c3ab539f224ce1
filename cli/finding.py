"""What `parking doctor` says of one thing."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. `ok` None: worth knowing, not wrong."""

    subject: str
    ok: bool | None
    says: str
    do: str | None = None
