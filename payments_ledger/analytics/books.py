"""The standard questions over PaymentEvent, PostgreSQL's side of the ledger: what the day files are compared with."""

from datetime import date

from django.db import connection

from payments_ledger.analytics.questions import Answer, Question, answer_of

# What the day files have and PaymentEvent has no column for stands in the body. Cassandra keeps whole milliseconds.
_VIEWS = """
WITH held AS (
    SELECT booking_day, payment_type, payment_id, seq, order_id, event_type, amount_minor, currency::text AS currency,
           floor(extract(epoch FROM booked_at) * 1000)::bigint AS booked_ms, postings,
           convert_from(body, 'UTF8')::jsonb AS said
    FROM payments_paymentevent
    WHERE booking_day BETWEEN %(first_day)s AND %(last_day)s
), events AS (
    SELECT booking_day, payment_type, booked_ms, payment_id, seq, order_id, said ->> 'user_id' AS user_id, event_type,
           amount_minor, currency, said ->> 'status_after' AS status_after, said ->> 'provider' AS provider,
           said ->> 'region' AS region
    FROM held
), entries AS (
    SELECT booking_day, payment_type, payment_id, order_id, said ->> 'user_id' AS user_id, currency,
           said ->> 'provider' AS provider, said ->> 'region' AS region,
           posting.key AS account, posting.value::bigint AS amount_minor
    FROM held CROSS JOIN jsonb_each_text(postings) AS posting
)
"""


def ask(asked: Question, *, first_day: date | None = None, last_day: date | None = None) -> Answer:
    """The question's answer over every event of these booking days (both included)."""
    with connection.cursor() as cursor:
        days = {"first_day": first_day or date.min, "last_day": last_day or date.max}
        cursor.execute(_VIEWS + asked.sql, days)
        columns = [column[0] for column in cursor.description]
        return answer_of(asked, columns, cursor.fetchall())
