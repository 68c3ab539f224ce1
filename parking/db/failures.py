"""What a failed transaction means: whose fault it was, and so what to do about it."""

from enum import Enum

import psycopg
from psycopg import errors

from parking.errors import ParkingError


class Failure(Enum):
    """Why a transaction failed."""

    CONFLICT = "conflict"
    """Another transaction was in the way: try again at once, on the same connection."""
    UNAVAILABLE = "unavailable"
    """The database is away, full or not ours to use: connect anew and try again."""
    DATA = "data"
    """The batch holds something that can never be stored: find it."""


_CONFLICTS = (errors.DeadlockDetected, errors.SerializationFailure, errors.LockNotAvailable)


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
