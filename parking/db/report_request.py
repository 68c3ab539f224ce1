"""What a manager asks for, as texts from a URL or a command line, checked."""

from collections.abc import Sequence

from parking.db.report_scope import By, Question
from parking.errors import InputError
from parking.reporting.period import parse_period

MOST_NAMES = 500


def parse_question(
    *,
    from_text: str,
    until_text: str,
    bucket: str = "day",
    by: str = "site",
    sites: Sequence[str] = (),
    zones: Sequence[str] = (),
    categories: Sequence[str] = (),
    bays: Sequence[str] = (),
) -> Question:
    """The question that these ask; nothing named is everything. Raises InputError."""
    try:
        chosen = By(by)
    except ValueError:
        raise InputError(f"by {by[:40]!r}: it is one of {', '.join(By)}") from None
    for kind, names in (("site", sites), ("zone", zones), ("category", categories), ("bay", bays)):
        if len(names) > MOST_NAMES:
            raise InputError(f"{kind}: {len(names)} are named; {MOST_NAMES} at most")
    return Question(
        period=parse_period(from_text, until_text, bucket),
        by=chosen,
        sites=tuple(sites) or None,
        zones=tuple(zones) or None,
        categories=tuple(categories) or None,
        bays=tuple(bays) or None,
    )
