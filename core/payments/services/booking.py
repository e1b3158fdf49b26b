"""Books a payment's next event: into PaymentEvent and the outbox, in the caller's transaction, with the same bytes."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.db import connection
from psycopg2.extras import execute_values

from core.ids import event_id
from core.payments.domain.accounts import Postings, require_postable
from core.payments.domain.buckets import bucket_of
from core.payments.domain.payment_state import EventType
from core.payments.events import PAYMENT, PAYMENT_EVENT_CLASSES, PaymentFact
from core.payments.models import Payment
from outbox.events import encode
from outbox.publishing import Outgoing, emit_many


@dataclass(frozen=True, slots=True)
class BookingTime:
    """When an event enters the books, and how many buckets that day has."""

    booked_at: datetime
    bucket_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Booking:
    """An event about to be booked for a payment whose row already shows the state, totals and seq after it."""

    payment: Payment
    event_type: EventType
    amount_minor: int
    postings: Postings
    time: BookingTime
    occurred_at: datetime
    object_id: UUID | None = None


def next_booking_time(previous: datetime | None = None) -> BookingTime:
    """greatest(the primary's clock, `previous` + 1 µs), and the bucket count of that UTC day.

    `previous` is this payment's last booked_at, read under its row lock. The transaction takes its id before the
    clock is read: the watermark sees every session that holds one, so no event is ever booked below it unseen.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH moment AS MATERIALIZED (
                SELECT pg_current_xact_id() AS xact,
                       greatest(clock_timestamp(), %s::timestamptz + interval '1 microsecond') AS booked_at
            )
            SELECT booked_at,
                   (SELECT bucket_count FROM payments_ledgercalendar
                    WHERE booking_day <= (booked_at AT TIME ZONE 'UTC')::date ORDER BY booking_day DESC LIMIT 1)
            FROM moment
            """,
            [previous],
        )
        booked_at, buckets = cursor.fetchone()
    return BookingTime(booked_at.astimezone(UTC), buckets)


def book(booking: Booking) -> None:
    """Book one event; see book_many."""
    book_many([booking])


def book_many(bookings: Sequence[Booking]) -> None:
    """Insert the events into PaymentEvent and the outbox. Atomic with the caller's transaction.

    Raises PostingsRefused before anything is written when an event's postings do not balance, name an account that the
    chart does not have, or move another amount than the event.
    """
    if not bookings:
        return
    entries = [entry_of(booking) for booking in bookings]
    with connection.cursor() as cursor:
        execute_values(
            cursor.cursor,
            f"{INSERT_HISTORY} VALUES %s",
            [entry.history_row for entry in entries],
            template=HISTORY_ROW,
            page_size=1000,
        )
    emit_many([entry.outgoing for entry in entries])


INSERT_HISTORY = (
    "INSERT INTO payments_paymentevent (payment_id, seq, booking_day, event_id, order_id, booked_at, payment_type, "
    "bucket, event_type, amount_minor, currency, postings, body, body_sha256)"
)
HISTORY_ROW = "(%s::uuid, %s, %s, %s::uuid, %s::uuid, %s, %s, %s, %s, %s, %s, %s::jsonb, %s, %s)"


@dataclass(frozen=True, slots=True)
class Entry:
    """An event ready to be written: the values of HISTORY_ROW, and its outbox message, with the same body."""

    history_row: tuple[Any, ...]
    outgoing: Outgoing


def entry_of(booking: Booking) -> Entry:
    """What booking this writes; nothing is written. Raises PostingsRefused when it may not post what it posts."""
    fact = _fact_of(booking)
    body = encode(fact)
    return Entry(
        history_row=_history_row(fact, body),
        outgoing=Outgoing(aggregate_type=PAYMENT, key=str(fact.payment_id), seq=fact.seq, event=fact, payload=body),
    )


def _fact_of(booking: Booking) -> PaymentFact:
    payment, time = booking.payment, booking.time
    require_postable(booking.event_type, booking.amount_minor, booking.postings)
    return PAYMENT_EVENT_CLASSES[booking.event_type](
        event_id=event_id(payment.id, payment.seq),
        event_type=str(booking.event_type),
        payment_id=payment.id,
        seq=payment.seq,
        order_id=payment.order_id,
        user_id=payment.user_id,
        object_id=booking.object_id,
        payment_type=str(payment.payment_type),
        provider=payment.provider,
        provider_ref=payment.provider_ref,
        status_after=str(payment.state),
        amount_minor=booking.amount_minor,
        currency=payment.currency,
        authorized_minor=payment.authorized_minor,
        captured_minor=payment.captured_minor,
        refunded_minor=payment.refunded_minor,
        disputed_minor=payment.disputed_minor,
        postings=dict(booking.postings),
        occurred_at=booking.occurred_at,
        booked_at=time.booked_at,
        booking_day=time.booked_at.date(),
        bucket=bucket_of(payment.id, time.bucket_count),
        region=payment.region,
        payment_created_at=payment.created_at,
    )


def _history_row(fact: PaymentFact, body: bytes) -> tuple[Any, ...]:
    return (
        str(fact.payment_id),
        fact.seq,
        fact.booking_day,
        str(fact.event_id),
        str(fact.order_id),
        fact.booked_at,
        fact.payment_type,
        fact.bucket,
        fact.event_type,
        fact.amount_minor,
        fact.currency,
        json.dumps(fact.postings, sort_keys=True),
        body,
        hashlib.sha256(body).digest(),
    )
