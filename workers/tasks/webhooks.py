"""Webhooks to merchants' endpoints."""

from core.webhooks.services import deliveries
from workers.celery import app

# Shorter than the broker's visibility time-out, with one attempt after it: else the same task is given out again.
RUN_SECONDS_MAX = 4.0


@app.task(name="webhooks.send_due")
def send_due() -> None:
    """Sends deliveries that are due, or whose lease expired."""
    deliveries.send_due(seconds_max=RUN_SECONDS_MAX)
