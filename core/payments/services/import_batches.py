"""Import batches: the only door through which events enter past booking days."""

from collections.abc import Collection
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from django.db import connection, transaction

from core.clock import now
from core.payments.errors import BatchNotRecorded, DayNotOpen, DaySealed
from core.payments.models import ImportBatch
from core.payments.selectors import sealed_days
from core.payments.selectors.calendar import bucket_count
from core.payments.services import partitions
from core.payments.services.booking import BookingTime
from core.payments.services.sealed_days import lock_against_sealing


@transaction.atomic
def open_batch(
    *, batch_id: UUID, source: str, first_day: date, last_day: date, days: Collection[date] | None = None
) -> ImportBatch:
    """Open a batch over these days (UTC, both included) and make the partitions they need.

    `days` are those it will book into; all of them, when not given. Raises DaySealed when one of these is sealed.
    Idempotent by id: an open one is returned, a closed one is opened again, as by a second run of the same import.
    """
    lock_against_sealing()
    between = sealed_days.sealed_between(first_day, last_day)
    if sealed := between if days is None else between & set(days):
        raise DaySealed(sealed)
    partitions.ensure_between(first_day, last_day)
    batch, _ = ImportBatch.objects.select_for_update().get_or_create(
        pk=batch_id, defaults={"source": source, "first_day": first_day, "last_day": last_day}
    )
    batch.state = ImportBatch.State.OPEN
    batch.closed_at = None
    batch.first_day, batch.last_day = min(batch.first_day, first_day), max(batch.last_day, last_day)
    batch.save()
    return batch


def imported_booking_time(batch: ImportBatch, occurred_at: datetime, previous: datetime | None = None) -> BookingTime:
    """greatest(`occurred_at` in UTC, `previous` + 1 µs), within an open batch. Raises DayNotOpen, DaySealed."""
    booked_at = occurred_at.astimezone(UTC)
    if previous is not None:
        booked_at = max(booked_at, previous + timedelta(microseconds=1))
    day = booked_at.date()
    if batch.state != ImportBatch.State.OPEN or not batch.first_day <= day <= batch.last_day:
        raise DayNotOpen(
            f"{day} cannot be booked into: import batch {batch.id} is {batch.state} "
            f"and covers {batch.first_day} to {batch.last_day}"
        )
    if sealed_days.is_sealed(day):
        raise DaySealed([day])
    return BookingTime(booked_at, bucket_count(day))


@transaction.atomic
def close_batch(*, batch_id: UUID) -> ImportBatch:
    """Close a batch, after which its days are verified like any other. Raises BatchNotRecorded before that.

    Idempotent. A batch whose events are not all acknowledged by Cassandra stays open.
    """
    batch = ImportBatch.objects.select_for_update().get(pk=batch_id)
    missing = unrecorded_count(batch)
    if missing:
        raise BatchNotRecorded(f"{missing} events of import batch {batch_id} are not in Cassandra yet: wait for them")
    batch.state = ImportBatch.State.CLOSED
    batch.closed_at = batch.closed_at or now()
    batch.save()
    return batch


def unrecorded_count(batch: ImportBatch) -> int:
    """Events in the batch's days that Cassandra has not acknowledged."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT count(*)
            FROM payments_paymentevent AS event LEFT JOIN payments_paymentrecording AS recording USING (payment_id)
            WHERE event.booking_day BETWEEN %s AND %s AND event.seq > coalesce(recording.recorded_seq, 0)
            """,
            [batch.first_day, batch.last_day],
        )
        return int(cursor.fetchone()[0])
