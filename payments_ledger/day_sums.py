"""Adds up the postings of sealed days, once each: `ledger_daysums` is what balances are made of."""

from datetime import date

from django.db import connection, transaction

from core.payments.models import SealedDay
from payments_ledger.models import DaySums

# A day at a time, so that no statement is long; the next run goes on.
DAYS_MAX = 1000

# The seal and the events are read by one snapshot: who sees a day's seal sees every event of the day, because a seal
# waits for whoever books into the past and refuses whoever comes later.
_ADD = """
INSERT INTO ledger_daysums (booking_day, sums, event_count)
SELECT %(day)s, coalesce((SELECT jsonb_object_agg(currency, accounts) FROM (
    SELECT currency, jsonb_object_agg(account, total) AS accounts FROM (
        SELECT event.currency, posting.account, sum(posting.amount::bigint) AS total
        FROM payments_paymentevent AS event
             CROSS JOIN LATERAL jsonb_each_text(event.postings) AS posting (account, amount)
        WHERE event.booking_day = %(day)s GROUP BY 1, 2
    ) AS by_account GROUP BY currency
) AS by_currency), '{}'), (SELECT count(*) FROM payments_paymentevent WHERE booking_day = %(day)s)
WHERE EXISTS (SELECT FROM payments_sealedday WHERE booking_day = %(day)s)
ON CONFLICT (booking_day) DO NOTHING
"""


def add_sealed_days(*, days_max: int = DAYS_MAX) -> int:
    """Add up the sealed days that have no sums yet, oldest first, `days_max` at most; how many were added.

    Idempotent, a transaction a day; two at once are harmless.
    """
    summed = DaySums.objects.values("booking_day")
    days = SealedDay.objects.exclude(booking_day__in=summed).order_by("booking_day")
    return sum(_add(day) for day in days.values_list("booking_day", flat=True)[:days_max])


@transaction.atomic
def _add(day: date) -> int:
    with connection.cursor() as cursor:
        cursor.execute(_ADD, {"day": day})
        return cursor.rowcount
