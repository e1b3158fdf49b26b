"""Writes events to every table: concurrent, prepared, idempotent. The one code path of sink, refetch and replay."""

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any
from uuid import UUID

from cassandra import ConsistencyLevel, InvalidRequest
from cassandra.cluster import ResponseFuture
from cassandra.query import UNSET_VALUE, BatchStatement, BatchType

from payments_ledger import session
from payments_ledger.cluster import unavailable_when_away
from payments_ledger.errors import RowRefused
from payments_ledger.rows import EventRows
from payments_ledger.tables import EVENTS_BY_DAY, PAYMENT_EVENTS, PAYMENTS_BY_ID

# Requests in flight at once: enough to keep one node busy, few enough that a slow node pushes back at once.
REQUESTS_IN_FLIGHT_MAX = 100
# Rows of one block sent as one UNLOGGED batch. It stays inside one partition, so it is one mutation, all or nothing.
BATCH_ROWS_MAX = 50

# A server without the table says so with the same error as for a bad value; only the wording tells them apart.
_SCHEMA_MISSING = ("unconfigured table", "unknown keyspace", "unknown table", "does not exist", "undefined column")

Block = tuple[Any, str, int]


def write(events: Sequence[EventRows]) -> None:
    """Record `events` in every table; returns once each row is acknowledged at LOCAL_QUORUM.

    Idempotent in any order and number of times: keys and write timestamps come from the events alone. Raises
    LedgerUnavailable when the outcome of any row is unknown (write the same events again), RowRefused when the server
    will not take one.
    """
    in_flight: deque[ResponseFuture] = deque()
    for statement in _statements(events):
        if len(in_flight) == REQUESTS_IN_FLIGHT_MAX:
            _await(in_flight.popleft())
        in_flight.append(session.submit(statement))
    while in_flight:
        _await(in_flight.popleft())


def latest_of_each(events: Iterable[EventRows]) -> list[EventRows]:
    """For each payment its event with the highest sequence number."""
    latest: dict[UUID, EventRows] = {}
    for event in events:
        known = latest.get(event.payment_id)
        if known is None or event.seq > known.seq:
            latest[event.payment_id] = event
    return list(latest.values())


def _statements(events: Sequence[EventRows]) -> Iterator[Any]:
    record = session.prepared(PAYMENT_EVENTS.insert_cql())
    state = session.prepared(PAYMENTS_BY_ID.insert_cql())
    yield from _entry_statements(events)
    for event in events:
        # A NULL would be written as a tombstone; an unset column is not written at all.
        values = [UNSET_VALUE if value is None else value for value in event.record]
        yield record.bind((*values, event.write_timestamp_us))
    for event in latest_of_each(events):
        yield state.bind((*event.state, event.write_timestamp_us))


def _entry_statements(events: Iterable[EventRows]) -> Iterator[Any]:
    """The rows of events_by_day: one statement for a lone row of a block, batches for several."""
    entry = session.prepared(EVENTS_BY_DAY.insert_cql())
    blocks: dict[Block, list[EventRows]] = defaultdict(list)
    for event in events:
        blocks[event.booking_day, event.payment_type, event.bucket].append(event)
    for members in blocks.values():
        remaining = iter(members)
        while chunk := list(islice(remaining, BATCH_ROWS_MAX)):
            if len(chunk) == 1:
                yield entry.bind((*chunk[0].entry, chunk[0].write_timestamp_us))
                continue
            batch = BatchStatement(BatchType.UNLOGGED, consistency_level=ConsistencyLevel.LOCAL_QUORUM)
            batch.is_idempotent = True
            for event in chunk:
                batch.add(entry, (*event.entry, event.write_timestamp_us))
            yield batch


def _await(future: ResponseFuture) -> None:
    with unavailable_when_away():
        try:
            future.result()
        except InvalidRequest as error:
            if any(words in str(error).lower() for words in _SCHEMA_MISSING):
                raise
            raise RowRefused(f"Cassandra refuses the row: {error}") from error
