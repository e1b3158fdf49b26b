"""A transaction of two messages: BEGIN goes with the first statement, COMMIT with the last.

Row locks are held from the first message to the end of the second, with no change of process in between that only
carries a COMMIT. Django's own transactions send BEGIN and COMMIT as messages of their own.
"""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from django.db import DatabaseError, InterfaceError, connection, transaction
from django.db.backends.utils import CursorWrapper

from core.db.prepared import Prepared
from core.db.transactions import retried

T = TypeVar("T")


def in_two_messages(work: Callable[["ShortTransaction"], T]) -> T:
    """Run `work`, which must begin and end the transaction it is given; retried like `atomically`.

    Whatever it raises, and whenever it did not end what it began, the transaction is rolled back. Hooks for after the
    commit do not exist here: do that work after this returns. Inside another transaction it runs once, as a part of
    that one.
    """
    if connection.in_atomic_block:
        with transaction.atomic(), connection.cursor() as cursor:
            return work(ShortTransaction(cursor, begin="", end=""))

    def attempt() -> T:
        with connection.cursor() as cursor:
            short = ShortTransaction(cursor, begin="BEGIN; ", end="; COMMIT")
            try:
                return work(short)
            finally:
                short.roll_back_if_open()

    return retried(attempt)


class ShortTransaction:
    """Begun by its first statement, ended by its last. Statements must be ready in the session before."""

    def __init__(self, cursor: CursorWrapper, *, begin: str, end: str) -> None:
        self._cursor = cursor
        self._begin, self._end = begin, end
        self._is_open = False

    def begin_with(self, statement: Prepared, values: Mapping[str, Any]) -> Any:
        """BEGIN and the statement; its first row."""
        self._is_open = True
        statement.execute(self._cursor, values, template=f"{self._begin}{{}}")
        return self._cursor.fetchone()

    def end_with(self, statement: Prepared, values: Mapping[str, Any]) -> None:
        """The statement and COMMIT. Its result cannot be read: it must fail when it is not to be committed.

        A connection that breaks here leaves it open whether the transaction was committed, as with any COMMIT.
        """
        statement.execute(self._cursor, values, template=f"{{}}{self._end}")
        self._is_open = False

    def roll_back_if_open(self) -> None:
        if not self._is_open:
            return
        try:
            self._cursor.execute("ROLLBACK")
        except (DatabaseError, InterfaceError):
            # A session that cannot even roll back is of no use to the next request.
            connection.close()
