"""PostgreSQL's side of a verification: PaymentEvent, streamed or summed."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from payments_ledger.errors import PoisonEvent
from payments_ledger.reconciliation.digests import MODULUS, Summary
from payments_ledger.reconciliation.scope import Block, Scope
from payments_ledger.rows import EventRows, rows_of

STREAM_ROWS = 2000

_CONDITIONS = """
    event.booked_at < %(watermark)s
    AND (%(first_day)s::date IS NULL OR event.booking_day >= %(first_day)s::date)
    AND (%(last_day)s::date IS NULL OR event.booking_day <= %(last_day)s::date)
    AND NOT EXISTS (
        SELECT FROM unnest(%(open_from)s::date[], %(open_to)s::date[]) AS batch (first_day, last_day)
        WHERE event.booking_day BETWEEN batch.first_day AND batch.last_day
    )
"""

# The upper half of the 128-bit value may be added as signed, because it is taken modulo 2^64; the lower half carries
# into it, so its negative readings are counted and put right.
_SUMMARIES = f"""
WITH halves AS (
    SELECT event.booking_day, event.payment_type, event.bucket, event.event_type, event.currency, event.amount_minor,
           ('x' || encode(substring(event.body_sha256 FROM 1 FOR 8), 'hex'))::bit(64)::bigint AS upper_half,
           ('x' || encode(substring(event.body_sha256 FROM 9 FOR 8), 'hex'))::bit(64)::bigint AS lower_half
    FROM payments_paymentevent AS event WHERE {_CONDITIONS}
)
SELECT booking_day, payment_type, bucket, event_type, currency, count(*), sum(amount_minor), sum(upper_half),
       sum(lower_half) + count(*) FILTER (WHERE lower_half < 0) * 18446744073709551616
FROM halves GROUP BY 1, 2, 3, 4, 5
"""

_STREAM = f"""
SELECT event.payment_id, event.seq, event.body, event.body_sha256, event.order_id, event.booking_day,
       event.payment_type, event.bucket, event.event_type, event.amount_minor, event.currency,
       event.seq = newest.seq AS is_newest
FROM payments_paymentevent AS event
JOIN (SELECT payment_id, max(seq) AS seq FROM payments_paymentevent GROUP BY payment_id) AS newest USING (payment_id)
WHERE {_CONDITIONS} AND (%(days)s::date[] IS NULL OR event.booking_day = ANY(%(days)s::date[]))
"""


@dataclass(frozen=True, slots=True)
class Held:
    """One PaymentEvent. `rows` is None when its body cannot be recorded, and `problem` then says why.

    `is_newest` is whether the payment has no later event, in or out of scope.
    """

    payment_id: UUID
    seq: int
    order_id: UUID
    block: Block
    is_newest: bool
    rows: EventRows | None
    problem: str = ""


def summaries(scope: Scope) -> dict[Block, Summary]:
    """What PostgreSQL holds, block by block, from the stored hashes: one statement, no body is read."""
    found: dict[Block, Summary] = {}
    with connection.cursor() as cursor:
        cursor.execute(_SUMMARIES, _parameters(scope))
        for day, payment_type, bucket, event_type, currency, count, amount, upper, lower in cursor.fetchall():
            summary = found.setdefault(Block(day, payment_type, bucket), Summary())
            summary.count += count
            summary.presence = (summary.presence + (int(upper) << 64) + int(lower)) % MODULUS
            summary.add_amount(event_type, currency, int(amount))
    return found


def stream(scope: Scope, *, days: Collection[date] | None = None) -> Iterator[Held]:
    """Every event in scope (of `days` only, when given), each body hashed, checked and turned into rows again."""
    parameters = {**_parameters(scope), "days": None if days is None else sorted(days)}
    with transaction.atomic(), connection.chunked_cursor() as cursor:
        cursor.execute(_STREAM, parameters)
        while rows := cursor.fetchmany(STREAM_ROWS):
            yield from map(_held, rows)


def newest_seq(payment_id: UUID) -> int:
    """The payment's newest sequence number now, watermark or not; 0 when PostgreSQL has never heard of it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT max(seq) FROM payments_paymentevent WHERE payment_id = %s", [payment_id])
        return cursor.fetchone()[0] or 0


def _held(row: tuple[Any, ...]) -> Held:
    payment_id, seq, body, body_sha256, order_id, day, payment_type, bucket, event_type, amount, currency, newest = row
    block = Block(day, payment_type, bucket)
    try:
        rows = rows_of(bytes(body), body_sha256=bytes(body_sha256), payment_id=payment_id, seq=seq)
    except PoisonEvent as error:
        return Held(payment_id, seq, order_id, block, newest, None, f"{error.code}: {error.detail}")
    columns = (order_id, block, event_type, amount, currency)
    told = (
        rows.order_id,
        Block(rows.booking_day, rows.payment_type, rows.bucket),
        rows.event_type,
        rows.amount_minor,
        rows.currency,
    )
    problem = "" if columns == told else f"columns say {columns}, the body says {told}"
    return Held(payment_id, seq, order_id, block, newest, rows, problem)


def _parameters(scope: Scope) -> dict[str, Any]:
    return {
        # Built from whole milliseconds, exactly: a float would move the line by microseconds.
        "watermark": datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=scope.watermark_ms),
        "first_day": scope.first_day,
        "last_day": scope.last_day,
        "open_from": [batch.first_day for batch in scope.open_days],
        "open_to": [batch.last_day for batch in scope.open_days],
    }
