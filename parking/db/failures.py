"""What a failed transaction means: whose fault it was, and so what to do about it."""

from enum import Enum

import psycopg
from psycopg import errors

from parking.db.table import TableOutdated
from parking.errors import DatabaseUnavailable, ParkingError


class Failure(Enum):
    """Why a transaction failed."""

    CONFLICT = "conflict"
    """Another transaction was in the way: try again at once, on the same connection."""
    UNAVAILABLE = "unavailable"
    """The database is away, full or not ours to use: connect anew and try again."""
    DATA = "data"
    """The batch holds something that can never be stored: find it."""


_CONFLICTS = (TableOutdated, errors.DeadlockDetected, errors.SerializationFailure, errors.LockNotAvailable)


def classify(error: Exception) -> Failure:
    """Whose fault `error`, raised by a transaction, was.

    What is neither the database's word nor its absence comes from the content of the batch: a value that
    our own code could not handle must not stop all the others behind it.
    """
    if isinstance(error, _CONFLICTS):
        return Failure.CONFLICT
    if isinstance(error, psycopg.DataError | psycopg.IntegrityError):
        return Failure.DATA
    if isinstance(error, psycopg.Error | ParkingError | OSError | TimeoutError):
        return Failure.UNAVAILABLE
    return Failure.DATA


def explain(error: Exception) -> ParkingError | None:
    """An error of the database as a sentence for people; None if it is something else."""
    if isinstance(error, ParkingError):
        return error
    if not isinstance(error, psycopg.Error):
        return None
    hint = "Check that the server runs and what this user may do there; then try again."
    return DatabaseUnavailable(f"The database refused: {str(error).strip().partition(chr(10))[0]}", hint=hint)
