"""STANDBY_POLICY=safe: refuse writes before they begin while no standby would have them too.

A commit that waits for a missing standby cannot be taken back (cancelling it makes it visible unreplicated), so the
only safe refusal is one before BEGIN.
"""

import time

from django.conf import settings
from django.db import connection

from core.errors import DatabaseUnavailable

FLAG_AGE_SECONDS_MAX = 1.0

_IS_SAFE = """
SELECT EXISTS (SELECT FROM pg_stat_replication WHERE state = 'streaming' AND sync_state IN ('sync', 'quorum'))
"""

_flag: tuple[float, bool] = (float("-inf"), True)


def refuse_while_unsafe() -> None:
    """Raise DatabaseUnavailable under the policy `safe` while no synchronous standby streams; else do nothing.

    What it knows is at most FLAG_AGE_SECONDS_MAX old. Reads only, so it never waits for the standby itself.
    """
    global _flag
    if settings.STANDBY["POLICY"] != "safe":
        return
    read_at, is_safe = _flag
    if time.monotonic() - read_at > FLAG_AGE_SECONDS_MAX:
        with connection.cursor() as cursor:
            cursor.execute(_IS_SAFE)
            is_safe = bool(cursor.fetchone()[0])
        _flag = time.monotonic(), is_safe
    if not is_safe:
        raise DatabaseUnavailable("No synchronous standby is there to keep a second copy; nothing was done.")
