"""Wake the relay after a commit.

NOTIFY inside the business transaction takes a lock that serialises all commits of the server, so it is sent
afterwards, in a statement of its own. It is only a hint: the relay polls anyway, and a lost ring costs one interval.
"""

import threading
import time

import structlog
from django.db import DatabaseError, connections

CHANNEL = "outbox_doorbell"
# A relay that has just been woken looks again by itself this often, so more rings would only cost a statement each.
QUIET_SECONDS = 0.02

log = structlog.get_logger(__name__)


class Doorbell:
    """Rings at most once per QUIET_SECONDS in this process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rung_at = 0.0

    def ring(self, *, using: str) -> None:
        connection = connections[using]
        # Without autocommit the NOTIFY would wait inside a transaction that somebody else ends.
        if not connection.get_autocommit() or not self._is_due():
            return
        try:
            with connection.cursor() as cursor:
                cursor.execute(f"NOTIFY {CHANNEL}")
        except DatabaseError as error:
            # The business transaction is committed: nothing may fail because of the bell.
            log.info("doorbell_not_rung", error=str(error))

    def _is_due(self) -> bool:
        with self._lock:
            moment = time.monotonic()
            if moment - self._rung_at < QUIET_SECONDS:
                return False
            self._rung_at = moment
            return True


doorbell = Doorbell()


def ring() -> None:
    """Ring for the default database; a stable function, so that it can be found among the commit hooks."""
    doorbell.ring(using="default")
