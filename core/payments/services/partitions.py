"""Makes partitions of PaymentEvent, one a month of booking days."""

from datetime import date, timedelta

from django.db import connection

from core.clock import now

YEARS_AHEAD = 2


def ensure_ahead() -> None:
    """Make the partitions of this month and the next YEARS_AHEAD years. Idempotent; several may run at once."""
    this_month = now().date().replace(day=1)
    ensure_between(this_month, this_month.replace(year=this_month.year + YEARS_AHEAD))


def ensure_between(first_day: date, last_day: date) -> None:
    """Make the partitions of the months from `first_day` to `last_day`, both included. Idempotent."""
    month = first_day.replace(day=1)
    with connection.cursor() as cursor:
        while month <= last_day:
            cursor.execute("SELECT payments_ensure_event_partition(%s)", [month])
            month = (month + timedelta(days=32)).replace(day=1)
