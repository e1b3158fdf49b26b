"""One process at a time works on the chain of seals."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

from payments_ledger.seals.errors import SealingBusy

_NAME = "payments_ledger.seals"


@contextmanager
def alone() -> Iterator[None]:
    """Nobody else seals or audits meanwhile. A session's lock: it ends with the process, however that ends.

    Raises SealingBusy at once when somebody has it.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", [_NAME])
        if not cursor.fetchone()[0]:
            raise SealingBusy("days are being sealed, or the chain audited, by another process: wait for it")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", [_NAME])
