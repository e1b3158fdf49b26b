"""The standby policy: what happens to commits when no synchronous standby streams.

With STANDBY_POLICY=available the guard first writes the degraded mark and only then lets the primary commit alone;
once the standby has caught up it is made synchronous again and the mark goes. Promotion reads the mark and refuses
while it stands. With STANDBY_POLICY=safe the guard never lets the primary commit alone.

The guard never cancels or terminates a session that waits for the standby: that would make its commit visible without
the standby having it.
"""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg2
import structlog

from core.db.degraded_mark import DegradedMark
from core.db.replication import StandbyState, degrade, read_state, restore, write_mark

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection

log = structlog.get_logger(__name__)

POLL_SECONDS = 0.5
RECONNECT_SECONDS = 1.0
GUARD_LOCK = "countinghouse.standby_guard"


class StandbyGuard:
    """Carries out the standby policy until `stop` is set. Several may run: one acts, the others stand by."""

    def __init__(self, stop: threading.Event) -> None:
        from django.conf import settings

        self.stop = stop
        self.policy: str = settings.STANDBY["POLICY"]
        self.grace_seconds: float = settings.STANDBY["GRACE_SECONDS"]
        self.mark = DegradedMark(Path(settings.STANDBY["MARK_FILE"]))
        self.seen_at = time.monotonic()

    def run(self) -> None:
        """Watch the primary; lost connections and a mark that cannot be written are waited out and never raised."""
        while not self.stop.is_set():
            try:
                connection = connect()
            except psycopg2.OperationalError as error:
                log.warning("standby_guard_cannot_connect", error=str(error).strip())
                self.stop.wait(RECONNECT_SECONDS)
                continue
            try:
                self._watch(connection)
            except (psycopg2.Error, OSError) as error:
                # OSError: the mark could not be written. Then the primary must not commit alone, and it does not.
                log.error("standby_guard_interrupted", error=str(error).strip())
                self.stop.wait(RECONNECT_SECONDS)
            finally:
                connection.close()

    def _watch(self, connection: Connection) -> None:
        # A primary just reached gets the whole grace: its standby may be on its way too.
        self.seen_at = time.monotonic()
        while not self.stop.is_set():
            if _is_the_one(connection):
                self.step(connection)
            else:
                # Whoever takes over grants the grace anew.
                self.seen_at = time.monotonic()
            self.stop.wait(POLL_SECONDS)

    def step(self, connection: Connection) -> None:
        """One look at the primary and what follows from it."""
        state = read_state(connection)
        if state.is_synchronous:
            self.seen_at = time.monotonic()
        if not state.is_required or (state.is_synchronous and self.mark.stands()):
            self._try_to_restore(connection)
        elif not state.is_synchronous and time.monotonic() - self.seen_at >= self.grace_seconds:
            self._act_on_loss(connection, state)

    def _try_to_restore(self, connection: Connection) -> None:
        if not self.mark.stands():
            write_mark(self.mark, reason="synchronous_standby_names was found empty")
        if restore(connection, self.mark):
            self.seen_at = time.monotonic()
            log.warning("standby_restored", mark=str(self.mark.path))

    def _act_on_loss(self, connection: Connection, state: StandbyState) -> None:
        if self.policy != "available":
            log.error("standby_missing", policy=self.policy, note="commits wait for it")
            self.seen_at = time.monotonic()
            return
        reason = f"no synchronous standby streamed for {self.grace_seconds:g} s; primary at {state.primary_lsn}"
        degrade(connection, self.mark, reason=reason)
        log.error("standby_degraded", reason=reason, mark=str(self.mark.path))


def _is_the_one(connection: Connection) -> bool:
    """Whether this session holds the guards' lock; it keeps it until it ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid() AND granted")
        if cursor.fetchone():
            return True
        cursor.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", (GUARD_LOCK,))
        row = cursor.fetchone()
    return bool(row and row[0])


def connect() -> Connection:
    """A session on whichever node is primary, of its own, autocommit, that never waits for the standby."""
    from django.conf import settings

    database = settings.DATABASES["default"]
    connection: Connection = psycopg2.connect(
        host=database["HOST"],
        port=database["PORT"],
        user=database["USER"],
        password=database["PASSWORD"],
        dbname=database["NAME"],
        target_session_attrs="read-write",
        connect_timeout=3,
        tcp_user_timeout=5000,
        application_name="standby-guard",
        options="-c synchronous_commit=local",
    )
    connection.autocommit = True
    return connection
