"""Stored answers are forgotten when they are old, and not before."""

import uuid

from django.conf import settings
from django.db import connection

from core.api.models import IdempotencyRecord
from core.api.purging import purge_stored_answers
from workers.schedule import BEAT_SCHEDULE
from workers.tasks import housekeeping


def stored(*, hours_ago: float, user_id: uuid.UUID) -> str:
    record = IdempotencyRecord.objects.create(
        user_id=user_id, key=uuid.uuid4().hex, fingerprint=b"f" * 32, status=200, body=b"{}"
    )
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE api_idempotencyrecord SET created_at = clock_timestamp() - make_interval(secs => %s) WHERE id = %s",
            [hours_ago * 3600, record.id],
        )
    return record.key


def keys_of(user_id: uuid.UUID) -> set[str]:
    return set(IdempotencyRecord.objects.filter(user_id=user_id).values_list("key", flat=True))


def test_the_task_deletes_what_is_older_than_the_setting_and_nothing_else():
    user_id = uuid.uuid4()
    stored(hours_ago=settings.IDEMPOTENCY_KEPT_HOURS + 0.01, user_id=user_id)
    kept = {
        stored(hours_ago=settings.IDEMPOTENCY_KEPT_HOURS - 0.01, user_id=user_id),
        stored(hours_ago=0, user_id=user_id),
    }

    housekeeping.purge_answers()

    assert keys_of(user_id) == kept
    assert settings.IDEMPOTENCY_KEPT_HOURS >= 72


def test_one_call_deletes_a_bounded_number_oldest_first():
    user_id = uuid.uuid4()
    oldest, *others = (stored(hours_ago=hours, user_id=user_id) for hours in (900_003, 900_002, 900_001))

    deleted = purge_stored_answers(kept_hours=900_000, batch_rows=1, batches_max=1)

    assert (deleted, keys_of(user_id)) == (1, set(others))
    assert purge_stored_answers(kept_hours=900_000, batch_rows=1, batches_max=5) == 2
    assert oldest not in keys_of(user_id)
    assert keys_of(user_id) == set()


def test_beat_hints_it():
    assert BEAT_SCHEDULE["purge-stored-answers"]["task"] == housekeeping.purge_answers.name
