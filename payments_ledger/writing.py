"""Writes events to every table: concurrent, prepared, idempotent. The one code path of sink, refetch and replay."""

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import islice
from typing import Any
from uuid import UUID

from cassandra import ConsistencyLevel, InvalidRequest
from cassandra.cluster import ResponseFuture
from cassandra.query import UNSET_VALUE, BatchStatement, BatchType

from payments_ledger import session
from payments_ledger.cluster import unavailable_when_away
from payments_ledger.errors import LedgerUnavailable, RowRefused
from payments_ledger.rows import EventRows, Row
from payments_ledger.tables import (
    EVENTS_BY_DAY,
    PAYMENT_EVENTS,
    PAYMENTS_BY_ID,
    PAYMENTS_BY_PROVIDER_REF,
    PAYMENTS_BY_USER_MONTH,
    Table,
)

# Requests in flight at once: enough to keep one node busy, few enough that a slow node pushes back at once.
REQUESTS_IN_FLIGHT_MAX = 100
# Rows of one partition sent as one UNLOGGED batch, which is one mutation then, all or nothing.
BATCH_ROWS_MAX = 50

# A server without the table says so with the same error as for a bad value; only the wording tells them apart.
_SCHEMA_MISSING = ("unconfigured table", "unknown keyspace", "unknown table", "does not exist", "undefined column")


def write(events: Sequence[EventRows]) -> None:
    """Record `events` in every table; returns once each row is acknowledged at LOCAL_QUORUM.

    Idempotent in any order and number of times: keys and write timestamps come from the events alone. Raises
    LedgerUnavailable when the outcome of any row is unknown (write the same events again), RowRefused when the server
    will not take one. Either way nothing is in flight any more.
    """
    _send(_statements(events))


def rewrite(rows: Iterable[tuple[Table, Row, int]]) -> None:
    """Write single rows, each at its own write timestamp in microseconds: for repair, which chooses rows and time.

    A value may be UNSET_VALUE (the cell stays as it is) or None (what stands in the cell goes, and a tombstone comes).
    Returns once each row is acknowledged at LOCAL_QUORUM; raises as write() does.
    """
    _send(
        session.prepared(table.insert_cql(name)).bind((*row, timestamp_us))
        for table, row, timestamp_us in rows
        for name in table.written_names
    )


def fill(table: Table, name: str, rows: Iterable[tuple[Row, EventRows]]) -> None:
    """Write rows of `table` to the table of that name alone, at their events' own times: for a rebuild."""
    _send(_batched(session.prepared(table.insert_cql(name)), _partitions(table, rows)))


def _send(statements: Iterable[Any]) -> None:
    in_flight: deque[ResponseFuture] = deque()
    try:
        for statement in statements:
            if len(in_flight) == REQUESTS_IN_FLIGHT_MAX:
                _await(in_flight.popleft())
            in_flight.append(session.submit(statement))
        while in_flight:
            _await(in_flight.popleft())
    finally:
        # After a failure: a server that is slow would get the next attempt on top of what it has not finished. All of
        # these were sent within one time-out, so it is waited for about once.
        for future in in_flight:
            with suppress(LedgerUnavailable, RowRefused):
                _await(future)


def latest_of_each(events: Iterable[EventRows]) -> list[EventRows]:
    """For each payment its event with the highest sequence number."""
    latest: dict[UUID, EventRows] = {}
    for event in events:
        known = latest.get(event.payment_id)
        if known is None or event.seq > known.seq:
            latest[event.payment_id] = event
    return list(latest.values())


def _statements(events: Sequence[EventRows]) -> Iterator[Any]:
    """One statement for a lone row of a partition, batches for several."""
    yield from _grouped(EVENTS_BY_DAY, ((event.entry, event) for event in events))
    yield from _grouped(PAYMENT_EVENTS, ((_with_unset(event.record), event) for event in events))
    yield from _grouped(PAYMENTS_BY_PROVIDER_REF, _references(events))
    latest = latest_of_each(events)
    yield from _grouped(PAYMENTS_BY_USER_MONTH, ((event.user_month, event) for event in latest))
    yield from _grouped(PAYMENTS_BY_ID, ((event.state, event) for event in latest))


def _with_unset(row: Row) -> Row:
    # A NULL would be written as a tombstone; an unset column is not written at all.
    return tuple(UNSET_VALUE if value is None else value for value in row)


def _references(events: Iterable[EventRows]) -> Iterable[tuple[Row, EventRows]]:
    """Each provider's reference once, under its newest event: all of a payment's operations may share one."""
    return {event.reference: (event.reference, event) for event in events if event.reference is not None}.values()


def _grouped(table: Table, rows: Iterable[tuple[Row, EventRows]]) -> Iterator[Any]:
    partitions = _partitions(table, rows)
    # More than one only while the table is being rebuilt.
    for name in table.written_names:
        yield from _batched(session.prepared(table.insert_cql(name)), partitions)


def _partitions(table: Table, rows: Iterable[tuple[Row, EventRows]]) -> list[list[Row]]:
    """The values to bind, those of one partition together."""
    # The columns of a partition key come first in every table.
    width = len(table.partition_key)
    partitions: dict[Row, list[Row]] = defaultdict(list)
    for row, event in rows:
        partitions[row[:width]].append((*row, event.write_timestamp_us))
    return list(partitions.values())


def _batched(insert: Any, partitions: Iterable[list[Row]]) -> Iterator[Any]:
    for members in partitions:
        remaining = iter(members)
        while chunk := list(islice(remaining, BATCH_ROWS_MAX)):
            if len(chunk) == 1:
                yield insert.bind(chunk[0])
                continue
            batch = BatchStatement(BatchType.UNLOGGED, consistency_level=ConsistencyLevel.LOCAL_QUORUM)
            batch.is_idempotent = True
            for values in chunk:
                batch.add(insert, values)
            yield batch


def _await(future: ResponseFuture) -> None:
    with unavailable_when_away():
        try:
            future.result()
        except InvalidRequest as error:
            if any(words in str(error).lower() for words in _SCHEMA_MISSING):
                raise
            raise RowRefused(f"Cassandra refuses the row: {error}") from error
