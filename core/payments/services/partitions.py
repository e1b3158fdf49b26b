"""Keeps partitions of PaymentEvent ahead of the calendar."""

from datetime import timedelta

from django.db import connection

from core.clock import now

MONTHS_AHEAD = 24


def ensure_ahead() -> None:
    """Make the partitions of this month and the next MONTHS_AHEAD. Idempotent; several may run at once."""
    month = now().date().replace(day=1)
    with connection.cursor() as cursor:
        for _ in range(MONTHS_AHEAD + 1):
            cursor.execute("SELECT payments_ensure_event_partition(%s)", [month])
            month = (month + timedelta(days=32)).replace(day=1)
