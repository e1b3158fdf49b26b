"""Payments as Cassandra has recorded them: what PostgreSQL decided, once the ledger has acknowledged it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from operator import itemgetter
from typing import Any
from uuid import UUID

from payments_ledger import session
from payments_ledger.folding import RecordedEvent, fold
from payments_ledger.tables import PAYMENT_EVENTS, PAYMENTS_BY_ID

_EVENT_COLUMNS = (
    "payment_id",
    "seq",
    "event_type",
    "status_after",
    "amount_minor",
    "currency",
    "object_id",
    "payment_type",
    "provider",
    "postings",
    "occurred_at",
    "booked_at",
)
# Put together once: an order is read in little more time than the driver needs for its partition.
EVENTS_OF_ORDER = PAYMENT_EVENTS.select_cql(columns=_EVENT_COLUMNS, where=PAYMENT_EVENTS.partition_condition())
_payment_id = itemgetter("payment_id")


@dataclass(frozen=True, slots=True)
class RecordedPayment:
    """A payment folded from its recorded events. Amounts in minor units of `currency`."""

    payment_id: UUID
    payment_type: str | None
    status: str | None
    version: int
    currency: str | None
    authorized_minor: int
    captured_minor: int
    refunded_minor: int
    disputed_minor: int
    events: tuple[RecordedEvent, ...]


def payments_of_order(order_id: UUID) -> list[RecordedPayment]:
    """The order's payments with all their events, from one partition. Raises LedgerUnavailable."""
    # The clustering order is payment, then seq, so one payment's events stand together and end with the newest.
    rows = session.lookup(EVENTS_OF_ORDER, (order_id,))
    return [folded_payment(payment_id, events) for payment_id, events in groupby(rows, key=_payment_id)]


def payment_state(payment_id: UUID) -> dict[str, Any] | None:
    """The row of payments_by_id; None while nothing of the payment is recorded. Raises LedgerUnavailable."""
    found = session.lookup(PAYMENTS_BY_ID.select_cql(where=PAYMENTS_BY_ID.key_condition()), (payment_id,))
    return found[0] if found else None


def folded_payment(payment_id: UUID, rows: Iterable[dict[str, Any]]) -> RecordedPayment:
    """The payment with these rows of payment_events, at least one, in the order of their sequence numbers."""
    last: dict[str, Any] = {}
    events = tuple(event_of(last := row) for row in rows)
    folded = fold(events)
    totals = folded.totals
    return RecordedPayment(
        payment_id=payment_id,
        payment_type=last["payment_type"],
        status=folded.status,
        version=folded.version,
        currency=folded.currency,
        authorized_minor=totals.authorized_minor,
        captured_minor=totals.captured_minor,
        refunded_minor=totals.refunded_minor,
        disputed_minor=totals.disputed_minor,
        events=events,
    )


def event_of(row: dict[str, Any]) -> RecordedEvent:
    """A row of payment_events as it stands."""
    return RecordedEvent(
        seq=row["seq"],
        event_type=row["event_type"],
        status_after=row["status_after"],
        amount_minor=row["amount_minor"],
        currency=row["currency"],
        object_id=row["object_id"],
        postings=row["postings"] or {},
        occurred_at=in_utc(row["occurred_at"]),
        booked_at=in_utc(row["booked_at"]),
    )


def in_utc(moment: datetime | None) -> datetime | None:
    """The driver's times are naive and mean UTC; an emptied cell stays empty."""
    return None if moment is None else moment.replace(tzinfo=UTC)
