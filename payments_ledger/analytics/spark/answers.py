"""The standard questions answered by Spark over events_by_day: the text that DuckDB and PostgreSQL are asked."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date

from pyspark.sql import SparkSession

from payments_ledger.analytics.questions import Answer, Question, answer_of
from payments_ledger.analytics.spark.cluster import rows_of
from payments_ledger.tables import EVENTS_BY_DAY

_VIEWS = (
    """
CREATE OR REPLACE TEMPORARY VIEW events AS
SELECT booking_day, payment_type, unix_millis(booked_at) AS booked_ms, payment_id, seq, order_id, user_id, event_type,
       amount_minor, currency, status_after, provider, region
FROM day_rows
""",
    """
CREATE OR REPLACE TEMPORARY VIEW entries AS
SELECT day_rows.booking_day, day_rows.payment_type, day_rows.payment_id, day_rows.order_id, day_rows.user_id,
       day_rows.currency, day_rows.provider, day_rows.region, posting.account, posting.amount_minor
FROM day_rows LATERAL VIEW explode(postings) posting AS account, amount_minor
""",
)


@dataclass(frozen=True, slots=True)
class Days:
    """The rows of some booking days, read once and kept among the executors: many questions cost one scan."""

    spark: SparkSession

    def ask(self, asked: Question) -> Answer:
        """The question's answer over these days, as Cassandra has them: what is not recorded yet is not in it."""
        found = self.spark.sql(asked.sql)
        return answer_of(asked, found.columns, [tuple(row) for row in found.collect()])


@contextmanager
def days(spark: SparkSession, *, first_day: date | None = None, last_day: date | None = None) -> Iterator[Days]:
    """The booking days between these (both included; None: every one)."""
    rows = rows_of(spark, EVENTS_BY_DAY)
    if first_day:
        rows = rows.filter(f"booking_day >= DATE '{first_day}'")
    if last_day:
        rows = rows.filter(f"booking_day <= DATE '{last_day}'")
    rows = rows.drop("body_sha256", "bucket", "occurred_at").persist()
    try:
        rows.createOrReplaceTempView("day_rows")
        for view in _VIEWS:
            spark.sql(view)
        yield Days(spark)
    finally:
        rows.unpersist()
