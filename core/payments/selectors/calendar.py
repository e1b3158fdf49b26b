"""The bucket count of a booking day."""

from datetime import date

from core.payments.models import LedgerCalendar


def bucket_count(day: date) -> int:
    """The day's own count, or that of the newest earlier row."""
    return (
        LedgerCalendar.objects.filter(booking_day__lte=day)
        .order_by("-booking_day")
        .values_list("bucket_count", flat=True)[:1]
        .get()
    )
