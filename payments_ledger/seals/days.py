"""Which booking days have events, which of them are not sealed, and what time it is where that is decided."""

from datetime import UTC, date, datetime

from django.db import connection

# From day to day by the index on booking_day, a step a day: DISTINCT would read every event.
_BOOKED = """
WITH RECURSIVE days AS (
    SELECT min(booking_day) AS booking_day FROM payments_paymentevent WHERE booking_day >= %(first_day)s
    UNION ALL
    SELECT (SELECT min(event.booking_day) FROM payments_paymentevent AS event
            WHERE event.booking_day > days.booking_day)
    FROM days WHERE days.booking_day < %(last_day)s
)
SELECT booking_day FROM days WHERE booking_day <= %(last_day)s
"""
_UNSEALED = f"{_BOOKED} AND booking_day NOT IN (SELECT booking_day FROM payments_sealedday)"


def booked_days(first_day: date, last_day: date) -> list[date]:
    """Those of these days, both included, that PostgreSQL has events of, oldest first."""
    return _days(_BOOKED, first_day, last_day)


def unsealed_days(last_day: date, *, first_day: date = date.min) -> list[date]:
    """Those of them that have no seal."""
    return _days(_UNSEALED, first_day, last_day)


def primary_now() -> datetime:
    """The primary's clock in UTC, cut to Cassandra's milliseconds."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT date_trunc('milliseconds', clock_timestamp())")
        found: datetime = cursor.fetchone()[0]
    return found.astimezone(UTC)


def _days(statement: str, first_day: date, last_day: date) -> list[date]:
    with connection.cursor() as cursor:
        cursor.execute(f"{statement} ORDER BY booking_day", {"first_day": first_day, "last_day": last_day})
        return [row[0] for row in cursor.fetchall()]
