"""Closing days, and what readers in Cassandra know of them."""

import structlog

from payments_ledger import calendar
from payments_ledger.errors import LedgerUnavailable
from payments_ledger.seals import runs
from payments_ledger.seals.errors import SealingBusy
from workers.celery import app

log = structlog.get_logger(__name__)

# A verification reads a month of days; a run that is killed anyway is gone on from by the next.
RUN_SECONDS_MAX = 1800.0
TIME_LIMIT_SECONDS = 7200


@app.task(name="ledger.seal_closed_days", time_limit=TIME_LIMIT_SECONDS)
def seal_closed_days() -> None:
    """Seals every day that is over and has no seal; what came of it is a row of ledger_sealing_run."""
    try:
        results = runs.seal_and_keep(runs.last_closed_day(), seconds_max=RUN_SECONDS_MAX)
    except SealingBusy:
        # The broker gives a long task out again, and a person may be sealing.
        log.info("ledger_sealing_left_to_another")
        return
    for result in results:
        if result.reasons:
            log.warning("ledger_day_not_sealed", **result.as_json())


@app.task(name="ledger.sum_up_open_days", time_limit=TIME_LIMIT_SECONDS)
def sum_up_open_days() -> None:
    """Keeps the totals of days that are not sealed yet up to date."""
    try:
        runs.sum_up_open_days()
    except LedgerUnavailable as error:
        log.warning("ledger_totals_wait", reason=error.detail)


@app.task(name="ledger.copy_calendar")
def copy_calendar() -> None:
    """Copies the calendar of bucket counts, in which each is at least a day ahead, to Cassandra."""
    try:
        calendar.copy()
    except LedgerUnavailable as error:
        log.warning("ledger_calendar_waits", reason=error.detail)
