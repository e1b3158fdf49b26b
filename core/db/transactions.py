"""Transactions that retry what PostgreSQL asks to be retried: serialization failures and deadlocks."""

import random
import time
from collections.abc import Callable
from typing import TypeVar

from django.db import OperationalError, connection, transaction

from core.db.safety import refuse_while_unsafe
from core.errors import Busy

T = TypeVar("T")

RETRYABLE_SQLSTATES = frozenset({"40001", "40P01"})
ATTEMPTS_MAX = 5
BACKOFF_SECONDS = 0.01


class RunAgain(Exception):
    """What the work read is no longer so: roll back and run it again, and it will see what is."""


def sqlstate_of(error: BaseException) -> str | None:
    """The SQLSTATE PostgreSQL gave, if the error came from there."""
    return getattr(error.__cause__, "pgcode", None)


def atomically(work: Callable[[], T]) -> T:
    """Run `work` in a transaction; on 40001, 40P01 or RunAgain roll back and run it again, with jittered backoff, at
    most ATTEMPTS_MAX times.

    Raises Busy when every attempt was refused, DatabaseUnavailable when the standby policy forbids to begin.
    `work` must have no effect outside the database. Inside another transaction it runs once, because only the
    outermost can be retried.
    """
    if connection.in_atomic_block:
        return work()

    def attempt() -> T:
        with transaction.atomic():
            return work()

    return retried(attempt)


def retried(attempt: Callable[[], T]) -> T:
    """`attempt` is a whole transaction, run as `atomically` says; it must have rolled back whenever it raises."""
    refuse_while_unsafe()
    for number in range(1, ATTEMPTS_MAX + 1):
        try:
            return attempt()
        except OperationalError as error:
            if sqlstate_of(error) not in RETRYABLE_SQLSTATES:
                raise
        except RunAgain:
            pass
        if number < ATTEMPTS_MAX:
            time.sleep(BACKOFF_SECONDS * 2**number * random.random())
    raise Busy("Concurrent changes kept this one from going through; send the same request again.")
