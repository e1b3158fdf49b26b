"""Reading and changing whether commits wait for the synchronous standby: the steps the standby policy is made of."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.clock import now
from core.db.degraded_mark import DegradedMark

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection

# While it catches up, a standby this close is taken back: commits then wait for it for a moment, and it stays close.
REJOIN_LAG_BYTES_MAX = 1024 * 1024
# Time for the checkpointer to act on a changed configuration when it listens, a hundred times what was seen.
SETTLE_SECONDS = 0.2
CHECKPOINTER_LISTENS = frozenset({"CheckpointerMain", "CheckpointWriteDelay"})

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


def write_mark(mark: DegradedMark, *, reason: str) -> None:
    """Put the mark there with the time and the reason."""
    mark.write(f"{now().isoformat(timespec='milliseconds')} {reason}")


def degrade(connection: Connection, mark: DegradedMark, *, reason: str) -> None:
    """Let the primary commit alone. The mark is on disk before the first commit that the standby lacks."""
    write_mark(mark, reason=reason)
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
