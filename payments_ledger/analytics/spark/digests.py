"""What each block of a table in Cassandra adds up to, computed by Spark: a Summary of counts, sums and digest."""

from typing import Any

from pyspark.sql import SparkSession

from payments_ledger.analytics.spark.cluster import rows_of
from payments_ledger.reconciliation.digests import MODULUS, Summary
from payments_ledger.reconciliation.scope import Block, Scope
from payments_ledger.tables import PAYMENT_EVENTS, Table

# The first 16 bytes of a hash as two unsigned halves: decimals add without wrapping, and are brought together here.
_HALF = "cast(conv(hex(substring({column}, {place}, 8)), 16, 10) AS decimal(20, 0))"
# Where the body is at hand its hash is computed again, so that the sum proves what the body says.
_COMPUTED_HASH = "unhex(sha2(body, 256))"

_SUMMARIES = """
SELECT booking_day, payment_type, bucket, event_type, currency, count(*) AS row_count, sum(amount_minor) AS amount,
       sum({upper}) AS upper, sum({lower}) AS lower, count_if({hash} <> body_sha256 OR body_sha256 IS NULL) AS broken
FROM {table} WHERE {condition}
GROUP BY booking_day, payment_type, bucket, event_type, currency
"""


def summaries(spark: SparkSession, table: Table, scope: Scope) -> tuple[dict[Block | None, Summary], set[Block | None]]:
    """The blocks of a table with event rows, on the scope's days and below its watermark; and those with a broken hash.

    None stands for rows that name no block. Reads the table once, in parallel.
    """
    view = f"{table.name}_in_cassandra"
    rows_of(spark, table).createOrReplaceTempView(view)
    hash_of_row = _COMPUTED_HASH if table is PAYMENT_EVENTS else "body_sha256"
    query = _SUMMARIES.format(
        table=view,
        hash=hash_of_row,
        upper=_HALF.format(column=hash_of_row, place=1),
        lower=_HALF.format(column=hash_of_row, place=9),
        condition=condition_of(scope),
    )
    found: dict[Block | None, Summary] = {}
    broken: set[Block | None] = set()
    for row in spark.sql(query).collect():
        block = _block(row)
        summary = found.setdefault(block, Summary())
        summary.count += row.row_count
        summary.presence = (summary.presence + (int(row.upper or 0) << 64) + int(row.lower or 0)) % MODULUS
        summary.add_amount(row.event_type or "", row.currency or "", int(row.amount or 0))
        if row.broken:
            broken.add(block)
    return found, broken


def condition_of(scope: Scope) -> str:
    """The scope in Spark's SQL. A row without a day belongs to the unbounded scope, as in every verification."""
    parts = [f"(booked_at IS NULL OR booked_at < timestamp_millis({scope.watermark_ms}))"]
    if scope.first_day:
        parts.append(f"booking_day >= DATE '{scope.first_day}'")
    if scope.last_day:
        parts.append(f"booking_day <= DATE '{scope.last_day}'")
    for batch in scope.open_days:
        between = f"booking_day BETWEEN DATE '{batch.first_day}' AND DATE '{batch.last_day}'"
        parts.append(f"(booking_day IS NULL OR NOT ({between}))")
    return " AND ".join(parts)


def _block(row: Any) -> Block | None:
    if row.booking_day is None or row.payment_type is None or row.bucket is None:
        return None
    return Block(row.booking_day, row.payment_type, row.bucket)
