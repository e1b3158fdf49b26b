"""Put events into the outbox, in the transaction that makes the change they tell of.

`emit` and `emit_many` do it in a statement of their own. A caller who writes everything in one statement takes
`insert_of` and `rows_of` into it and wakes the relay when it has committed: by `ring_after_commit` in a transaction of
Django's, by `doorbell.ring` after one of its own.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID, uuid5

import structlog
from django.conf import settings
from django.db import connection, transaction

from outbox import doorbell
from outbox.errors import InvalidKey, InvalidSequence, OutsideTransaction, PayloadTooLarge, WrongAggregateType
from outbox.events import encode, registry
from outbox.lanes import lane_of
from outbox.topics import partitions_of

# The broker's limit is 1 MiB a batch; the table's CHECK holds the same number.
PAYLOAD_BYTES_MAX = 900_000
ROWS_PER_STATEMENT_MAX = 500

_INSERT = "INSERT INTO outbox_event (lane, event_id, topic, agg_key, agg_seq, type, traceparent, payload) VALUES "
_ROW = "(%s, %s, %s, %s, %s, %s, %s, %s)"

Row = tuple[int | str | bytes | UUID | None, ...]


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One event to emit; `payload`, when given, is used as the body byte for byte instead of encoding the event."""

    aggregate_type: str
    key: str | UUID
    seq: int
    event: object
    payload: bytes | None = None


def emit(aggregate_type: str, key: str | UUID, seq: int, event: object, *, payload: bytes | None = None) -> None:
    """Store one event; it is published after the commit, and never if the transaction rolls back.

    `seq` comes from the caller's own UPDATE … SET seq = seq + 1 … RETURNING seq on the aggregate: that statement is
    both the row lock and the order, so it must run before this one in the same transaction.
    Raises OutsideTransaction, PayloadTooLarge, UnknownAggregateType, WrongAggregateType, InvalidKey, InvalidSequence.
    """
    emit_many([Outgoing(aggregate_type, key, seq, event, payload)])


def emit_many(outgoing: Sequence[Outgoing]) -> None:
    """Store many events in the order given, 500 a statement. Raises as emit does; then nothing was stored."""
    if not connection.in_atomic_block:
        raise OutsideTransaction(events=len(outgoing))
    rows = rows_of(outgoing)
    with connection.cursor() as cursor:
        for start in range(0, len(rows), ROWS_PER_STATEMENT_MAX):
            chunk = rows[start : start + ROWS_PER_STATEMENT_MAX]
            cursor.execute(insert_of(len(chunk)), [value for row in chunk for value in row])
    if rows:
        ring_after_commit()


def rows_of(outgoing: Sequence[Outgoing]) -> list[Row]:
    """The rows of these events, each the values of one row of `insert_of`. Raises as emit does."""
    traceparent = structlog.contextvars.get_contextvars().get("traceparent")
    return [_row(item, traceparent) for item in outgoing]


def insert_of(row_count: int) -> str:
    """The statement that inserts so many rows, with a placeholder for each of their values in turn."""
    return _INSERT + ", ".join([_ROW] * row_count)


def event_id_of(key: str, seq: int) -> UUID:
    """The id of an event, derived from its aggregate and sequence number: the same event always has the same id."""
    return uuid5(settings.OUTBOX["EVENT_NAMESPACE"], f"{key}:{seq}")


def _row(item: Outgoing, traceparent: str | None) -> Row:
    partitions_of(item.aggregate_type)
    registered = registry.of(item.event)
    if registered.aggregate_type != item.aggregate_type:
        raise WrongAggregateType(type=registered.name, aggregate_type=item.aggregate_type)
    key = _canonical_key(item.key)
    # bool is an int in Python, and True would be stored as sequence 1.
    if isinstance(item.seq, bool) or not isinstance(item.seq, int) or item.seq < 1:
        raise InvalidSequence(key=key, seq=item.seq)
    body = item.payload if item.payload is not None else encode(item.event)
    if len(body) > PAYLOAD_BYTES_MAX:
        raise PayloadTooLarge(type=registered.name, key=key, size=len(body), limit=PAYLOAD_BYTES_MAX)
    event_id = event_id_of(key, item.seq)
    return lane_of(key), event_id, item.aggregate_type, key, item.seq, registered.name, traceparent, body


def _canonical_key(key: str | UUID) -> str:
    try:
        return str(key if isinstance(key, UUID) else UUID(key))
    except (ValueError, AttributeError, TypeError):
        raise InvalidKey(key=key) from None


def ring_after_commit() -> None:
    """Wake the relay once the transaction has committed; once, however often it is called."""
    # A savepoint that rolls back takes its hooks along, so the list of pending hooks, and not a flag of ours,
    # says whether this transaction still has a bell to ring.
    if not any(hook[1] is doorbell.ring for hook in connection.run_on_commit):
        transaction.on_commit(doorbell.ring, robust=True)
