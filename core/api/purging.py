"""Forgets stored answers once they are old: a key counts for IDEMPOTENCY_KEPT_HOURS, and after that is a new one."""

from django.db import connection

# Short transactions: each deletes so many rows, oldest first, and one call ends after so many of them.
BATCH_ROWS = 5_000
BATCHES_MAX = 20

_DELETE = """
DELETE FROM api_idempotencyrecord WHERE id IN (
    SELECT id FROM api_idempotencyrecord WHERE created_at < clock_timestamp() - make_interval(hours => %s)
    ORDER BY created_at LIMIT %s FOR UPDATE SKIP LOCKED)
"""


def purge_stored_answers(*, kept_hours: int, batch_rows: int = BATCH_ROWS, batches_max: int = BATCHES_MAX) -> int:
    """Delete answers older than `kept_hours`, at most `batch_rows * batches_max`; returns how many.

    Each batch is a transaction of its own. Several may run at once, and what is left waits for the next call.
    """
    deleted = 0
    for _ in range(batches_max):
        with connection.cursor() as cursor:
            cursor.execute(_DELETE, [kept_hours, batch_rows])
            deleted += cursor.rowcount
            if cursor.rowcount < batch_rows:
                break
    return deleted
