"""Proof that the ledger agrees with PostgreSQL, again and again."""

import structlog

from payments_ledger.errors import LedgerUnavailable, VerificationUnfinished
from payments_ledger.reconciliation import scheduled
from workers.celery import app

log = structlog.get_logger(__name__)


@app.task(name="ledger.verify_recent")
def verify_recent() -> None:
    """The day table of today and yesterday against PostgreSQL, by stored hashes."""
    try:
        scheduled.verify_recent()
    except (LedgerUnavailable, VerificationUnfinished) as error:
        log.warning("ledger_not_verified", code=error.code, reason=error.detail)


@app.task(name="ledger.verify_last_days")
def verify_last_days() -> None:
    """Every table of the last days, column by column."""
    try:
        scheduled.verify_last_days()
    except (LedgerUnavailable, VerificationUnfinished) as error:
        log.warning("ledger_not_verified", code=error.code, reason=error.detail)
