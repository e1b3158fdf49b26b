"""Lets another process through a lock one transaction at a time, so that a test can stop it at a chosen place."""

from threading import Thread
from types import TracebackType
from typing import Any

import psycopg2
from django.db import connection

from tests.waiting import eventually

_LOCK = "SELECT pg_advisory_lock(hashtextextended(%s, 0))"
# PostgreSQL shows an advisory lock's 64-bit number as two of 32 bits.
_WAITING = """
SELECT count(*) FROM pg_locks
WHERE locktype = 'advisory' AND NOT granted
  AND (classid::bigint << 32) | objid::bigint = hashtextextended(%s, 0)
"""


class Turnstile:
    """Holds an advisory lock. PostgreSQL serves waiters in order, so one who queues behind another gets it next."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __enter__(self) -> "Turnstile":
        self._held = self._session()
        self._lock(self._held)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._held.close()

    def let_one_pass(self) -> None:
        """Wait until somebody stands before the lock, let him in, and have it back when his transaction ends."""
        eventually(lambda: self._waiting() >= 1, what=f"somebody waits for {self._name}")
        following = self._session()
        queueing = Thread(target=self._lock, args=(following,))
        queueing.start()
        eventually(lambda: self._waiting() >= 2, what="the turnstile is queued behind him")
        self._held.close()
        queueing.join(60)
        self._held = following

    def _session(self) -> Any:
        session = psycopg2.connect(**connection.get_connection_params())
        session.autocommit = True
        return session

    def _lock(self, session: Any) -> None:
        with session.cursor() as cursor:
            cursor.execute(_LOCK, [self._name])

    def _waiting(self) -> int:
        with connection.cursor() as cursor:
            cursor.execute(_WAITING, [self._name])
            return int(cursor.fetchone()[0])
