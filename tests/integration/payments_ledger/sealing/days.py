"""What a sealed day must have in all three places, and an import that keeps a day open."""

from contextlib import contextmanager
from uuid import uuid4

from core.payments.models import ImportBatch, SealedDay
from payments_ledger.seals import published, recording, totals
from payments_ledger.seals.audit import audit_chain
from payments_ledger.seals.seal import seal_of


def assert_whole(day):
    """The day is sealed in all three places, and its totals are there."""
    assert audit_chain().findings == ()
    held = SealedDay.objects.get(booking_day=day.date)
    assert published.lines()[0][held.seal_no - 1] == seal_of(bytes(held.body)).line()
    assert len(recording.stored_rows(day.date)) == len(seal_of(bytes(held.body)).blocks)
    assert sum(total.event_count for total in totals.between(day.date, day.date)) == len(day.bodies)


@contextmanager
def open_import(day):
    batch = ImportBatch.objects.create(id=uuid4(), source="orders.parquet", first_day=day.date, last_day=day.date)
    try:
        yield batch
    finally:
        batch.delete()
