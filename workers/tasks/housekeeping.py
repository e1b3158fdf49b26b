"""Housekeeping."""

import structlog
from django.conf import settings

from core.accounts.services import tokens
from core.api.purging import purge_stored_answers
from core.payments.services import partitions
from payments_ledger import day_sums
from workers.celery import app

log = structlog.get_logger(__name__)


@app.task(name="housekeeping.keep_partitions_ahead")
def keep_partitions_ahead() -> None:
    partitions.ensure_ahead()


@app.task(name="housekeeping.purge_stored_answers")
def purge_answers() -> None:
    """Forget what idempotency keys answered longer ago than they count."""
    deleted = purge_stored_answers(kept_hours=settings.IDEMPOTENCY_KEPT_HOURS)
    if deleted:
        log.info("idempotency.purged", records=deleted)


@app.task(name="housekeeping.forget_expired_tokens")
def forget_expired_tokens() -> None:
    """Forget refresh tokens that nobody can use any more."""
    deleted = tokens.forget_expired()
    if deleted:
        log.info("tokens.forgotten", rows=deleted)


@app.task(name="housekeeping.sum_sealed_days")
def sum_sealed_days() -> None:
    """Add up what has been sealed since, so that balances need not read it."""
    added = day_sums.add_sealed_days()
    if added:
        log.info("ledger.days_summed", days=added)
