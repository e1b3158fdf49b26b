"""Publish nothing that the synchronous standby might not have: after a promotion it would be an event of nowhere."""

import threading
from collections.abc import Callable

from outbox.relay.session import Session

STEP_SECONDS = 0.002

# What the view pg_stat_replication is made of, without its joins; flush_lsn is shown to members of pg_monitor only.
_REACHED = """
SELECT current_setting('synchronous_standby_names') = ''
    OR EXISTS (SELECT FROM pg_stat_get_wal_senders()
                WHERE sync_state IN ('sync', 'quorum') AND flush_lsn >= %s::pg_lsn)
"""


class StandbyGate:
    """While a standby is required, a window passes once the standby has flushed what the primary had flushed."""

    def __init__(self, session: Session, stop: threading.Event) -> None:
        self._session = session
        self._stop = stop
        self._passed = ""

    def passes(self, window: str, flushed_lsn: str, *, between: Callable[[], None]) -> bool:
        """Wait until the window may be published; False when asked to stop first.

        `between` is called while waiting: a standby may stay away for long, and the relay must show that it lives.
        The requirement is read anew each time, so a guard that lifts it also opens the gate.
        """
        step = STEP_SECONDS
        while window != self._passed:
            if self._session.rows(_REACHED, (flushed_lsn,))[0][0]:
                self._passed = window
                break
            if self._stop.wait(step):
                return False
            step = min(step * 2, 0.1)
            between()
        return True
