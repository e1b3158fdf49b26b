"""The figures of a report, read from PostgreSQL in one snapshot: events booked before the watermark, on these days."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import Max

from core import clock
from core.payments.domain.payment_state import EventType, PaymentType
from core.payments.models import PaymentEvent
from core.payments.selectors import watermark

DEFAULT_DAYS = 31
# Imports book many past events in one transaction; how soon those reach Cassandra says nothing of a purchase.
IMPORTED_TYPES = (PaymentType.IMPORTED, PaymentType.CREDIT, PaymentType.ADJUSTMENT)

_MONEY = """
SELECT booking_day, currency, count(*),
       count(*) FILTER (WHERE event_type = %(captured)s),
       coalesce(sum(amount_minor) FILTER (WHERE event_type = %(captured)s), 0),
       count(*) FILTER (WHERE event_type IN (%(refunded)s, %(credited)s)),
       coalesce(sum(abs(amount_minor)) FILTER (WHERE event_type IN (%(refunded)s, %(credited)s)), 0)
FROM payments_paymentevent
WHERE booking_day BETWEEN %(first_day)s AND %(last_day)s AND booked_at < %(watermark)s
GROUP BY booking_day, currency ORDER BY booking_day, currency
"""

# Only a payment's newest recorded event can be measured: recorded_seq is one number, with one time.
_FRESHNESS = """
SELECT event.booking_day, count(*),
       percentile_disc(ARRAY[0.5, 0.99, 1.0])
           WITHIN GROUP (ORDER BY extract(epoch FROM recording.updated_at - event.inserted_at)::float8 * 1000)
FROM payments_paymentevent AS event JOIN payments_paymentrecording AS recording
     ON recording.payment_id = event.payment_id AND recording.recorded_seq = event.seq
WHERE event.booking_day BETWEEN %(first_day)s AND %(last_day)s AND event.booked_at < %(watermark)s
      AND event.payment_type <> ALL(%(imported)s)
GROUP BY event.booking_day ORDER BY event.booking_day
"""

_UNRECORDED = """
SELECT count(*)
FROM payments_paymentevent AS event LEFT JOIN payments_paymentrecording AS recording USING (payment_id)
WHERE event.booking_day BETWEEN %(first_day)s AND %(last_day)s AND event.booked_at < %(watermark)s
      AND event.seq > coalesce(recording.recorded_seq, 0)
"""

_ACCOUNTS = """
WITH posting AS (
    SELECT given.key AS account, currency, given.value::bigint AS amount, booking_day >= %(first_day)s AS is_within
    FROM payments_paymentevent CROSS JOIN LATERAL jsonb_each_text(postings) AS given
    WHERE booking_day <= %(last_day)s AND booked_at < %(watermark)s
)
SELECT account, currency, coalesce(sum(amount) FILTER (WHERE NOT is_within), 0),
       coalesce(sum(amount) FILTER (WHERE is_within AND amount > 0), 0),
       coalesce(sum(amount) FILTER (WHERE is_within AND amount < 0), 0)
FROM posting GROUP BY account, currency ORDER BY currency, account
"""


@dataclass(frozen=True, slots=True)
class DayMoney:
    """What was booked on a day in one currency, in minor units; a refund is money given back, a credit among them."""

    day: date
    currency: str
    events: int
    captures: int
    captured_minor: int
    refunds: int
    refunded_minor: int


@dataclass(frozen=True, slots=True)
class DayLag:
    """Milliseconds from the transaction that booked an event to Cassandra's acknowledgement of it."""

    day: date
    events: int
    p50_ms: float
    p99_ms: float
    max_ms: float


@dataclass(frozen=True, slots=True)
class AccountBalance:
    """One account of the chart in one currency, in minor units; credits are negative."""

    account: str
    currency: str
    opening_minor: int
    debits_minor: int
    credits_minor: int

    @property
    def closing_minor(self) -> int:
        return self.opening_minor + self.debits_minor + self.credits_minor


@dataclass(frozen=True, slots=True)
class Figures:
    """Everything of a report that PostgreSQL knows. `watermark` is where the books were cut off."""

    first_day: date
    last_day: date
    watermark: datetime
    money: Sequence[DayMoney]
    lags: Sequence[DayLag]
    unrecorded: int
    accounts: Sequence[AccountBalance]

    @property
    def currencies(self) -> list[str]:
        """Those with the most captures first."""
        captures: dict[str, int] = {}
        for row in self.money:
            captures[row.currency] = captures.get(row.currency, 0) + row.captures
        return sorted(captures, key=lambda currency: (-captures[currency], currency))


def collect(*, first_day: date | None = None, last_day: date | None = None) -> Figures:
    """The figures of these days, both included. Omitted: up to the newest day with an event, a month of them.

    Reads only. Raises django.db.Error when PostgreSQL cannot be read.
    """
    moment = watermark.read()
    first, last = _days(first_day, last_day)
    parameters = {
        "first_day": first,
        "last_day": last,
        "watermark": moment,
        "captured": str(EventType.CAPTURED),
        "refunded": str(EventType.REFUND_SUCCEEDED),
        "credited": str(EventType.CREDIT_POSTED),
        "imported": [str(payment_type) for payment_type in IMPORTED_TYPES],
    }
    with transaction.atomic(), connection.cursor() as cursor:
        # One snapshot for every query, so that the figures of the page agree with one another.
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        return Figures(
            first_day=first,
            last_day=last,
            watermark=moment,
            money=[
                DayMoney(day, currency, events, captures, int(captured), refunds, int(refunded))
                for day, currency, events, captures, captured, refunds, refunded in _rows(cursor, _MONEY, parameters)
            ],
            lags=[DayLag(day, events, *lags) for day, events, lags in _rows(cursor, _FRESHNESS, parameters)],
            unrecorded=_rows(cursor, _UNRECORDED, parameters)[0][0],
            accounts=[
                AccountBalance(account, currency, int(opening), int(debits), int(credits))
                for account, currency, opening, debits, credits in _rows(cursor, _ACCOUNTS, parameters)
            ],
        )


def _rows(cursor: Any, sql: str, parameters: dict[str, Any]) -> list[tuple[Any, ...]]:
    cursor.execute(sql, parameters)
    rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows


def _days(first_day: date | None, last_day: date | None) -> tuple[date, date]:
    if last_day is None:
        newest = PaymentEvent.objects.aggregate(newest=Max("booking_day"))["newest"]
        last_day = max(newest or clock.now().date(), first_day or date.min)
    return first_day or last_day - timedelta(days=DEFAULT_DAYS - 1), last_day
