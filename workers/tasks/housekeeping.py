"""Housekeeping."""

from core.payments.services import partitions
from workers.celery import app


@app.task(name="housekeeping.keep_partitions_ahead")
def keep_partitions_ahead() -> None:
    partitions.ensure_ahead()
