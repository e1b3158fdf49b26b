"""Verifications that nobody asked for: what the schedule hints. Each bounded in time, never two at once."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, timedelta

import structlog
from django.db import connection

from core import clock
from payments_ledger.reconciliation.report import Report
from payments_ledger.reconciliation.results import verify_and_keep
from payments_ledger.tables import EVENTS_BY_DAY

logger = structlog.get_logger(__name__)

# Yesterday too: a day that has just ended is the one that is sealed next.
RECENT_DAYS = 2
RECENT_SECONDS_MAX = 60.0
DEEP_DAYS = 3
# Less than the time after which a task's process is killed, which would leave no result behind.
DEEP_SECONDS_MAX = 240.0
LOCK = "payments_ledger.scheduled_verification"


def verify_recent() -> Report | None:
    """Quick, of the day table alone: the only one that is read by day, so that it costs what those days hold.

    None when another scheduled verification runs. Raises what `verify` raises.
    """
    with _alone() as is_alone:
        if not is_alone:
            return None
        today = clock.now().astimezone(UTC).date()
        return _told(
            verify_and_keep(
                first_day=today - timedelta(days=RECENT_DAYS - 1),
                last_day=today,
                is_deep=False,
                tables=(EVENTS_BY_DAY.name,),
                processes=1,
                seconds_max=RECENT_SECONDS_MAX,
            )
        )


def verify_last_days() -> Report | None:
    """Every column of every table, of the last days. None when another scheduled verification runs."""
    with _alone() as is_alone:
        if not is_alone:
            return None
        today = clock.now().astimezone(UTC).date()
        return _told(
            verify_and_keep(
                first_day=today - timedelta(days=DEEP_DAYS - 1),
                last_day=today,
                # The processes of a worker's pool may have no children.
                processes=1,
                seconds_max=DEEP_SECONDS_MAX,
            )
        )


def _told(report: Report) -> Report:
    """What differs is an error in the log: nobody waits for the result of a task."""
    if not report.agrees:
        logger.error(
            "ledger_differs",
            counts=dict(report.counts),
            first=[difference.sentence() for difference in report.differences[:5]],
        )
    return report


@contextmanager
def _alone() -> Iterator[bool]:
    """Whether nobody else holds the lock; a worker that is killed loses it with its session."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", [LOCK])
        (is_alone,) = cursor.fetchone()
    try:
        yield is_alone
    finally:
        if is_alone:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", [LOCK])
