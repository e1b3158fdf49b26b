"""A history to measure the ledger's tools on: events made from a number, put into PostgreSQL and Cassandra alike."""

import io
import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from hashlib import sha256
from uuid import UUID, uuid5
from zlib import crc32

import orjson
from django.db import connection

from core.ids import EVENT_NAMESPACE
from payments_ledger import writing
from payments_ledger.errors import LedgerUnavailable
from payments_ledger.reconciliation import sharing
from payments_ledger.rows import EventRows, rows_of

NAMESPACE = UUID("5a1f0b8e-2d0c-4a53-9a57-3f6f2b1f9c11")
FIRST_MOMENT = datetime(2001, 1, 1, tzinfo=UTC)
EVENTS_A_DAY = 100_000
# As the sink writes: an authorization and a capture, and for every second payment a refund of a part.
EVENTS_A_PAYMENT = (2, 3)
BUCKETS = 4
CHUNK_PAYMENTS = 2_000
WRITE_EVENTS = 1_000
WRITE_ATTEMPTS = 10
_COPY = (
    "COPY payments_paymentevent (payment_id, seq, booking_day, event_id, order_id, inserted_at, booked_at,"
    " payment_type, bucket, event_type, amount_minor, currency, postings, body, body_sha256) FROM STDIN"
)
_STEPS = (
    ("payments.payment.authorized.v1", "authorized"),
    ("payments.payment.captured.v1", "captured"),
    ("payments.refund.succeeded.v1", "captured"),
)


def load(*, first_payment: int, payments: int, processes: int = 2) -> int:
    """Put the events of these payments into both stores and return how many they are. Raises LedgerUnavailable."""
    _ensure_partitions(first_payment + payments)
    chunks = range(first_payment, first_payment + payments, CHUNK_PAYMENTS)
    end = first_payment + payments
    return sum(sharing.results(partial(_load_chunk, end=end), iter(chunks), processes=processes))


def bodies_of(number: int) -> Iterator[bytes]:
    """The canonical bodies of one payment's events: the same for the same number."""
    payment_id, order_id = uuid5(NAMESPACE, f"payment {number}"), uuid5(NAMESPACE, f"order {number}")
    user_id = uuid5(NAMESPACE, f"user {number % 100_000}")
    began = FIRST_MOMENT + timedelta(microseconds=number * 86_400_000_000 * 5 // (2 * EVENTS_A_DAY))
    amount = 500 + number * 7919 % 20_000
    payment_type, provider = (("card", "simulator"), ("wallet", ""))[number % 3 == 0]
    for seq in range(1, EVENTS_A_PAYMENT[number % 2] + 1):
        event_type, status = _STEPS[seq - 1]
        booked_at = began + timedelta(seconds=seq - 1)
        captured, refunded = amount * (seq > 1), amount // 10 * (seq > 2)
        moved = (0, amount, amount // 10)[seq - 1]
        yield orjson.dumps(
            {
                "event_id": str(uuid5(EVENT_NAMESPACE, f"{payment_id}:{seq}")),
                "event_type": event_type,
                "payment_id": str(payment_id),
                "seq": seq,
                "order_id": str(order_id),
                "user_id": str(user_id),
                "object_id": None,
                "payment_type": payment_type,
                "provider": provider,
                "provider_ref": f"ch_{payment_id.hex}" if provider else "",
                "status_after": status,
                "amount_minor": moved or amount,
                "currency": "GBP",
                "authorized_minor": amount,
                "captured_minor": captured,
                "refunded_minor": refunded,
                "disputed_minor": 0,
                "postings": {"psp_clearing:simulator": moved, "revenue": -moved} if moved else {},
                "occurred_at": _text(booked_at),
                "booked_at": _text(booked_at),
                "booking_day": booked_at.date().isoformat(),
                "bucket": crc32(str(payment_id).encode()) % BUCKETS,
                "region": ("GB", "DE", "FR", "")[number % 4],
                "payment_created_at": _text(began),
                "schema_version": 1,
            },
            option=orjson.OPT_SORT_KEYS,
        )


def _load_chunk(first_payment: int, *, end: int) -> int:
    bodies = [
        body for number in range(first_payment, min(first_payment + CHUNK_PAYMENTS, end)) for body in bodies_of(number)
    ]
    # Long ago: what is not recorded within a minute no longer holds the watermark back.
    inserted_at = datetime.now(UTC) - timedelta(hours=1)
    lines = io.StringIO()
    for body in bodies:
        event = json.loads(body)
        lines.write(
            f"{event['payment_id']}\t{event['seq']}\t{event['booking_day']}\t{event['event_id']}\t{event['order_id']}\t"
            f"{inserted_at.isoformat()}\t{event['booked_at']}\t{event['payment_type']}\t{event['bucket']}\t"
            f"{event['event_type']}\t{event['amount_minor']}\t{event['currency']}\t{json.dumps(event['postings'])}\t"
            f"\\\\x{body.hex()}\t\\\\x{sha256(body).hexdigest()}\n"
        )
    lines.seek(0)
    with connection.cursor() as cursor:
        cursor.copy_expert(_COPY, lines)
    rows = [rows_of(body) for body in bodies]
    for start in range(0, len(rows), WRITE_EVENTS):
        _write(rows[start : start + WRITE_EVENTS])
    return len(rows)


def _write(rows: list[EventRows]) -> None:
    """Filling is not what is measured: a server that falls behind is given time, then the same is written again."""
    for attempt in range(1, WRITE_ATTEMPTS + 1):
        try:
            writing.write(rows)
            return
        except LedgerUnavailable:
            if attempt == WRITE_ATTEMPTS:
                raise
            time.sleep(attempt)


def _ensure_partitions(payments: int) -> None:
    last = datetime.fromisoformat(json.loads(next(bodies_of(payments)))["booked_at"]) + timedelta(days=31)
    month = FIRST_MOMENT
    with connection.cursor() as cursor:
        while month < last:
            cursor.execute("SELECT payments_ensure_event_partition(%s::date)", [month.date()])
            month = (month + timedelta(days=32)).replace(day=1)


def _text(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
