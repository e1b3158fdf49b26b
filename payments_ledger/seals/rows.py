"""Writes rows of seals, totals and the calendar, and reads what comes back as plain values."""

from collections.abc import Iterable
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from cassandra import ConsistencyLevel
from cassandra.query import BatchStatement, BatchType

from payments_ledger import session
from payments_ledger.cluster import unavailable_when_away
from payments_ledger.rows import Row
from payments_ledger.tables import Table

BATCH_ROWS_MAX = 50


def write(table: Table, rows: Iterable[Row], *, timestamp_us: int) -> None:
    """Write whole rows of one partition, each acknowledged at LOCAL_QUORUM when this returns. Idempotent.

    Raises LedgerUnavailable when the outcome of any is unknown: write them again.
    """
    insert = session.prepared(table.insert_cql())
    remaining = iter(rows)
    while chunk := list(islice(remaining, BATCH_ROWS_MAX)):
        batch = BatchStatement(BatchType.UNLOGGED, consistency_level=ConsistencyLevel.LOCAL_QUORUM)
        batch.is_idempotent = True
        for row in chunk:
            batch.add(insert, (*row, timestamp_us))
        future = session.submit(batch)
        with unavailable_when_away():
            future.result()


def in_utc(moment: Any) -> datetime:
    """The driver's times are naive and mean UTC."""
    found: datetime = moment.replace(tzinfo=UTC)
    return found
