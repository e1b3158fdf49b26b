"""PostgreSQL's side of a verification: PaymentEvent, streamed or summed."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import orjson
from django.db import connection, transaction

from payments_ledger.errors import PoisonEvent, PostingsUnbalanced
from payments_ledger.reconciliation.checks import Check
from payments_ledger.reconciliation.digests import MODULUS, Summary
from payments_ledger.reconciliation.scope import Block, Scope
from payments_ledger.rows import EventRows, Row, rows_of
from payments_ledger.tables import EVENTS_BY_DAY

STREAM_ROWS = 2000
_POSTINGS = EVENTS_BY_DAY.columns.index("postings")

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

# In the order of payments, so that what a payment has only once can be told without remembering every payment. The
# share is taken of the id's last byte, which is random whatever made the id.
_STREAM = """
SELECT event.payment_id, event.seq, event.body, event.body_sha256, event.order_id, event.booking_day,
       event.payment_type, event.bucket, event.event_type, event.amount_minor, event.currency, event.postings::text,
       event.seq = newest.seq AS is_newest
FROM payments_paymentevent AS event
JOIN (SELECT payment_id, max(seq) AS seq FROM payments_paymentevent {of_scope} GROUP BY payment_id) AS newest
     USING (payment_id)
WHERE {conditions} AND (%(days)s::date[] IS NULL OR event.booking_day = ANY(%(days)s::date[]))
      AND (%(shares)s = 1 OR get_byte(uuid_send(event.payment_id), 15) %% %(shares)s = %(share)s)
ORDER BY event.payment_id, event.seq
"""
_OF_SCOPE = f"WHERE payment_id IN (SELECT event.payment_id FROM payments_paymentevent AS event WHERE {_CONDITIONS})"
_STREAM_EVERYTHING = _STREAM.format(of_scope="", conditions=_CONDITIONS)
_STREAM_DAYS = _STREAM.format(of_scope=_OF_SCOPE, conditions=_CONDITIONS)


@dataclass(frozen=True, slots=True)
class Held:
    """One PaymentEvent. `rows` is None when its body cannot be recorded, and `problem` then says why.

    `is_newest` is whether the payment has no later event, in or out of scope; `is_first_of_reference` whether no
    earlier event in scope has the same provider's reference.
    """

    payment_id: UUID
    seq: int
    order_id: UUID
    block: Block
    is_newest: bool
    rows: EventRows | None
    problem: str = ""
    is_unbalanced: bool = False
    is_first_of_reference: bool = False

    def row(self, check: Check) -> Row | None:
        """The row that the table should have because of this event; None when it needs none."""
        if self.rows is None or (check.is_latest and not self.is_newest):
            return None
        if check.time_column is None and not self.is_first_of_reference:
            return None
        return check.expected(self.rows)


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


def stream(scope: Scope, *, days: Collection[date] | None = None, share: int = 0, shares: int = 1) -> Iterator[Held]:
    """Every event in scope (of `days` only, when given), each body hashed, checked and turned into rows again.

    Payment by payment, each in the order of its events; with `shares`, only the payments of that share.
    """
    parameters = {
        **_parameters(scope),
        "days": None if days is None else sorted(days),
        "share": share,
        "shares": shares,
    }
    payment_id, seen = None, set[Row]()
    with transaction.atomic(), connection.chunked_cursor() as cursor:
        cursor.execute(_STREAM_DAYS if scope.is_bounded or days is not None else _STREAM_EVERYTHING, parameters)
        while rows := cursor.fetchmany(STREAM_ROWS):
            for row in rows:
                if row[0] != payment_id:
                    payment_id, seen = row[0], set()
                yield _held(row, seen)


def references(scope: Scope) -> Iterator[Row]:
    """The rows of payments_by_provider_ref that events in scope should have, each once."""
    for held in stream(scope):
        if held.is_first_of_reference and held.rows is not None and held.rows.reference is not None:
            yield held.rows.reference


def size_bytes() -> int:
    """How much there is to read, roughly: the bytes of every partition of PaymentEvent."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT sum(pg_relation_size(relid)) FROM pg_partition_tree('payments_paymentevent')")
        return int(cursor.fetchone()[0] or 0)


def newest_seq(payment_id: UUID) -> int:
    """The payment's newest sequence number now, watermark or not; 0 when PostgreSQL has never heard of it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT max(seq) FROM payments_paymentevent WHERE payment_id = %s", [payment_id])
        return cursor.fetchone()[0] or 0


def _held(row: tuple[Any, ...], seen: set[Row]) -> Held:
    """`seen` are the references of the payment's earlier events; this one's is added."""
    payment_id, seq, body, body_sha256, order_id, day, payment_type, bucket, *amounts, postings, is_newest = row
    block = Block(day, payment_type, bucket)
    held = partial(Held, payment_id, seq, order_id, block, is_newest)
    try:
        rows = rows_of(bytes(body), body_sha256=bytes(body_sha256), payment_id=payment_id, seq=seq)
    except PoisonEvent as error:
        return held(None, f"{error.code}: {error.detail}", is_unbalanced=isinstance(error, PostingsUnbalanced))
    columns = (order_id, block, *amounts, orjson.loads(postings))
    told = (
        rows.order_id,
        Block(rows.booking_day, rows.payment_type, rows.bucket),
        rows.event_type,
        rows.amount_minor,
        rows.currency,
        rows.entry[_POSTINGS],
    )
    is_first = rows.reference is not None and rows.reference not in seen
    if rows.reference is not None:
        seen.add(rows.reference)
    if columns == told:
        return held(rows, is_first_of_reference=is_first)
    is_unbalanced = sum(columns[-1].values()) != 0
    return held(rows, f"columns say {columns}, the body says {told}", is_unbalanced, is_first)


def _parameters(scope: Scope) -> dict[str, Any]:
    return {
        # Built from whole milliseconds, exactly: a float would move the line by microseconds.
        "watermark": datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=scope.watermark_ms),
        "first_day": scope.first_day,
        "last_day": scope.last_day,
        "open_from": [batch.first_day for batch in scope.open_days],
        "open_to": [batch.last_day for batch in scope.open_days],
    }
