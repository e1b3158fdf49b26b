"""Plans how many buckets coming booking days have."""

from datetime import date

from django.db import IntegrityError, transaction

from core.payments.errors import CalendarTooLate
from core.payments.models import LedgerCalendar

BUCKETS_MAX = 4096


def plan_buckets(*, first_day: date, bucket_count: int) -> LedgerCalendar:
    """From `first_day` on, until a later row, each day has `bucket_count` buckets.

    At least a whole day ahead by the primary's clock, and never changed afterwards: the database holds both. Raises
    CalendarTooLate; ValueError for a count that is no power of two up to BUCKETS_MAX.
    """
    if not 1 <= bucket_count <= BUCKETS_MAX or bucket_count & (bucket_count - 1):
        raise ValueError(f"{bucket_count} buckets: write a power of two from 1 to {BUCKETS_MAX}")
    if LedgerCalendar.objects.filter(pk=first_day).exists():
        raise CalendarTooLate(f"{first_day} has its bucket count already, and it stays: plan another day")
    try:
        with transaction.atomic():
            return LedgerCalendar.objects.create(booking_day=first_day, bucket_count=bucket_count)
    except IntegrityError as error:
        reason = str(error).splitlines()[0]
        raise CalendarTooLate(f"{reason} (the day after tomorrow is the first that can be planned)") from error
