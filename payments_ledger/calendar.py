"""The calendar of bucket counts: decided in PostgreSQL (LedgerCalendar), copied to Cassandra for its readers.

PostgreSQL takes a row at least a whole day before its day and never changes it, so a copy made any time before midnight
is there before the first event of that day. In the copy as in PostgreSQL a missing day has the count of the newest
earlier row.
"""

from datetime import date

from core.payments.domain.payment_state import PaymentType
from core.payments.models import LedgerCalendar
from payments_ledger import session
from payments_ledger.reconciliation.digests import day_of
from payments_ledger.rows import microseconds
from payments_ledger.seals import rows
from payments_ledger.seals.days import primary_now
from payments_ledger.tables import LEDGER_CALENDAR


def copy() -> int:
    """Write every row of the calendar to Cassandra; returns how many.

    Idempotent; what was changed there by hand is put right. Raises LedgerUnavailable.
    """
    written_at_us = microseconds(primary_now())
    payment_types = {str(payment_type) for payment_type in PaymentType}
    planned = list(LedgerCalendar.objects.order_by("booking_day").values_list("booking_day", "bucket_count"))
    for booking_day, bucket_count in planned:
        rows.write(LEDGER_CALENDAR, [(booking_day, bucket_count, payment_types)], timestamp_us=written_at_us)
    return len(planned)


def copied() -> dict[date, int]:
    """Booking day → bucket count, as Cassandra's readers see it. Raises LedgerUnavailable."""
    cql = LEDGER_CALENDAR.select_cql(columns=("booking_day", "bucket_count"))
    return {day: count for booking_day, count in session.stream(cql) if (day := day_of(booking_day)) is not None}
