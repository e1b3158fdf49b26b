"""What beat hints, and how often (seconds). Two beats at once are harmless: every task below may run twice."""

from typing import Any

from celery.schedules import crontab
from django.conf import settings

BEAT_SCHEDULE: dict[str, dict[str, Any]] = {
    "query-unknown-operations": {
        "task": "payments.query_unknown_operations",
        "schedule": 1.0,
        # A hint that waited this long says nothing that the next one does not.
        "options": {"expires": 5},
    },
    "expire-checkouts": {
        "task": "payments.expire_checkouts",
        "schedule": 10.0,
        "options": {"expires": 30},
    },
    "send-webhooks": {
        "task": "webhooks.send_due",
        "schedule": 1.0,
        "options": {"expires": 5},
    },
    "keep-partitions-ahead": {
        "task": "housekeeping.keep_partitions_ahead",
        "schedule": 3600.0,
        "options": {"expires": 600},
    },
    "forget-expired-tokens": {
        "task": "housekeeping.forget_expired_tokens",
        "schedule": 3600.0,
        "options": {"expires": 600},
    },
    "seal-closed-days": {
        "task": "ledger.seal_closed_days",
        "schedule": 3600.0,
        "options": {"expires": 600},
    },
    "sum-up-open-days": {
        "task": "ledger.sum_up_open_days",
        "schedule": 3600.0,
        "options": {"expires": 600},
    },
    "copy-ledger-calendar": {
        "task": "ledger.copy_calendar",
        "schedule": 3600.0,
        "options": {"expires": 600},
    },
    "sum-sealed-days": {
        "task": "housekeeping.sum_sealed_days",
        "schedule": 600.0,
        "options": {"expires": 600},
    },
    "purge-stored-answers": {
        "task": "housekeeping.purge_stored_answers",
        "schedule": 600.0,
        "options": {"expires": 600},
    },
    "verify-last-days": {
        "task": "ledger.verify_last_days",
        # UTC; the day before has long ended everywhere.
        "schedule": crontab(hour=3, minute=17),
        "options": {"expires": 3600},
    },
}

if settings.LEDGER["VERIFY_EVERY_SECONDS"]:
    BEAT_SCHEDULE["verify-recent-days"] = {
        "task": "ledger.verify_recent",
        "schedule": settings.LEDGER["VERIFY_EVERY_SECONDS"],
        "options": {"expires": 60},
    }
