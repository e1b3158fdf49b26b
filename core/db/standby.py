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
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg2
import structlog

from core.clock import now
from core.db.degraded_mark import DegradedMark

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection

log = structlog.get_logger(__name__)

POLL_SECONDS = 0.5
RECONNECT_SECONDS = 1.0
# While it catches up, a standby this close is taken back: commits then wait for it for a moment, and it stays close.
REJOIN_LAG_BYTES_MAX = 1024 * 1024
# Time for the checkpointer to act on a changed configuration when it listens, a hundred times what was seen.
SETTLE_SECONDS = 0.2
CHECKPOINTER_LISTENS = frozenset({"CheckpointerMain", "CheckpointWriteDelay"})
GUARD_LOCK = "countinghouse.standby_guard"

STATE_QUERY = """
    SELECT current_setting('synchronous_standby_names') <> '',
           count(*) FILTER (WHERE sync_state IN ('sync', 'quorum')) > 0,
           pg_current_wal_flush_lsn()::text,
           min(pg_wal_lsn_diff(pg_current_wal_flush_lsn(), flush_lsn))::bigint
      FROM pg_stat_replication
     WHERE state = 'streaming'
"""
CAUGHT_UP_QUERY = """
    SELECT count(*) > 0 FROM pg_stat_replication
     WHERE state = 'streaming' AND sync_state IN ('sync', 'quorum') AND flush_lsn >= %s::pg_lsn
"""


@dataclass(frozen=True, slots=True)
class StandbyState:
    """What the primary says: is a standby required, does one stream synchronously, how far behind is the nearest."""

    is_required: bool
    is_synchronous: bool
    primary_lsn: str
    lag_bytes: int | None


def read_state(connection: Connection) -> StandbyState:
    """The replication state as the primary sees it now."""
    with connection.cursor() as cursor:
        cursor.execute(STATE_QUERY)
        row = cursor.fetchone()
    assert row is not None
    return StandbyState(*row)


def require_standby(connection: Connection, *, is_required: bool) -> None:
    """Make commits wait for a standby, as the server's configuration file says, or let the primary commit alone."""
    verb = "RESET synchronous_standby_names" if is_required else "SET synchronous_standby_names = ''"
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER SYSTEM {verb}")
        cursor.execute("SELECT pg_reload_conf()")


def degrade(connection: Connection, mark: DegradedMark, *, reason: str) -> None:
    """Let the primary commit alone. The mark is on disk before the first commit that the standby lacks."""
    mark.write(f"{now().isoformat(timespec='milliseconds')} {reason}")
    require_standby(connection, is_required=False)


def restore(connection: Connection, mark: DegradedMark, *, patience_seconds: float = 5.0) -> bool:
    """Make the standby synchronous again and then remove the mark; False when it is not close enough or fell behind."""
    state = read_state(connection)
    if state.lag_bytes is None or state.lag_bytes > REJOIN_LAG_BYTES_MAX:
        return False
    require_standby(connection, is_required=True)
    deadline = time.monotonic() + patience_seconds
    while time.monotonic() < deadline:
        time.sleep(SETTLE_SECONDS)
        if not _requirement_has_settled(connection):
            continue
        # Read after the requirement is back: every commit that did not wait lies before this position.
        state = read_state(connection)
        if state.is_required and _has_flushed(connection, state.primary_lsn, deadline):
            mark.remove()
            return True
    return False


def _requirement_has_settled(connection: Connection) -> bool:
    """Whether commits already wait: the checkpointer tells them to, once it has read the configuration again.

    It reads it at once in the states named here, and late while it writes a checkpoint's files to disk.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT wait_event FROM pg_stat_activity WHERE backend_type = 'checkpointer'")
        row = cursor.fetchone()
    return bool(row and row[0] in CHECKPOINTER_LISTENS)


def _has_flushed(connection: Connection, lsn: str, deadline: float) -> bool:
    """Whether a synchronous standby flushes up to this position before the deadline."""
    while time.monotonic() < deadline:
        with connection.cursor() as cursor:
            cursor.execute(CAUGHT_UP_QUERY, (lsn,))
            row = cursor.fetchone()
        if row and row[0]:
            return True
        time.sleep(0.05)
    return False


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
        """Watch the primary; connection losses are waited out and never raised."""
        while not self.stop.is_set():
            try:
                connection = connect()
            except psycopg2.OperationalError as error:
                log.warning("standby_guard_cannot_connect", error=str(error).strip())
                self.stop.wait(RECONNECT_SECONDS)
                continue
            try:
                self._watch(connection)
            except psycopg2.Error as error:
                log.warning("standby_guard_lost_connection", error=str(error).strip())
                self.stop.wait(RECONNECT_SECONDS)
            finally:
                connection.close()

    def _watch(self, connection: Connection) -> None:
        # A primary just reached gets the whole grace: its standby may be on its way too.
        self.seen_at = time.monotonic()
        while not self.stop.is_set():
            if _is_the_one(connection):
                self.step(connection)
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
            self.mark.write(f"{now().isoformat(timespec='milliseconds')} synchronous_standby_names was found empty")
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
