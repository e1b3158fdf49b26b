"""Payments as Cassandra has recorded them: what PostgreSQL decided, once the ledger has acknowledged it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from operator import itemgetter
from typing import Any
from uuid import UUID

import orjson

from payments_ledger import session
from payments_ledger.tables import PAYMENT_EVENTS, PAYMENTS_BY_ID

_EVENT_COLUMNS = (
    "payment_id",
    "seq",
    "event_type",
    "status_after",
    "amount_minor",
    "currency",
    "payment_type",
    "provider",
    "provider_ref",
    "occurred_at",
    "booked_at",
    "body",
)


@dataclass(frozen=True, slots=True)
class RecordedEvent:
    """One event of a payment. Times in UTC, to the millisecond."""

    seq: int
    event_type: str
    status_after: str
    amount_minor: int
    currency: str
    occurred_at: datetime
    booked_at: datetime


@dataclass(frozen=True, slots=True)
class RecordedPayment:
    """A payment after the last of its recorded events. Amounts in minor units of `currency`."""

    payment_id: UUID
    payment_type: str
    provider: str
    provider_ref: str
    status: str
    currency: str
    authorized_minor: int
    captured_minor: int
    refunded_minor: int
    disputed_minor: int
    events: tuple[RecordedEvent, ...]

    @property
    def version(self) -> int:
        return self.events[-1].seq


def payments_of_order(order_id: UUID) -> list[RecordedPayment]:
    """The order's payments with all their events, from one partition. Raises LedgerUnavailable."""
    cql = PAYMENT_EVENTS.select_cql(columns=_EVENT_COLUMNS, where=PAYMENT_EVENTS.partition_condition())
    # The clustering order is payment, then seq, so one payment's events stand together and end with the newest.
    return [_payment(events) for _, events in groupby(session.lookup(cql, [order_id]), key=itemgetter("payment_id"))]


def payment_state(payment_id: UUID) -> dict[str, Any] | None:
    """The row of payments_by_id; None while nothing of the payment is recorded. Raises LedgerUnavailable."""
    found = session.lookup(PAYMENTS_BY_ID.select_cql(where=PAYMENTS_BY_ID.key_condition()), [payment_id])
    return found[0] if found else None


def _payment(rows: Iterable[dict[str, Any]]) -> RecordedPayment:
    events = list(rows)
    last = events[-1]
    totals = orjson.loads(last["body"])
    return RecordedPayment(
        payment_id=last["payment_id"],
        payment_type=last["payment_type"],
        provider=last["provider"],
        provider_ref=last["provider_ref"],
        status=last["status_after"],
        currency=last["currency"],
        authorized_minor=totals["authorized_minor"],
        captured_minor=totals["captured_minor"],
        refunded_minor=totals["refunded_minor"],
        disputed_minor=totals["disputed_minor"],
        events=tuple(_event(row) for row in events),
    )


def _event(row: dict[str, Any]) -> RecordedEvent:
    return RecordedEvent(
        seq=row["seq"],
        event_type=row["event_type"],
        status_after=row["status_after"],
        amount_minor=row["amount_minor"],
        currency=row["currency"],
        # The driver's times are naive and mean UTC.
        occurred_at=row["occurred_at"].replace(tzinfo=UTC),
        booked_at=row["booked_at"].replace(tzinfo=UTC),
    )
