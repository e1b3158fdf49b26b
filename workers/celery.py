"""The Celery application. A task is only a hint: what is to be done is found again in PostgreSQL or Kafka."""

import os

import django
from celery import Celery
from celery.signals import setup_logging

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "core.settings")
django.setup()

app = Celery(
    "countinghouse",
    include=[
        "workers.tasks.payments",
        "workers.tasks.webhooks",
        "workers.tasks.housekeeping",
        "workers.tasks.ledger",
        "workers.tasks.seals",
    ],
)
app.config_from_object("django.conf:settings", namespace="CELERY")


@setup_logging.connect
def _keep_djangos_logging(**_: object) -> None:
    """Celery leaves logging alone when this signal has a receiver; core.settings.observability configures it."""


from workers import roles, schedule  # noqa: E402  (they use models, so Django comes first)

app.conf.beat_schedule = schedule.BEAT_SCHEDULE
app.steps["worker"].add(roles.RoleStep)
