"""Closes booking days for good. What is proved before that is the ledger's affair (payments_ledger.seals)."""

from datetime import date, datetime

from django.db import connection, transaction

from core.payments.models import SealedDay

# Taken exclusively by a seal, shared by an import batch that opens and by each event booked into the past (migration
# 0005 has the same name). Whoever has it exclusively waits for no other lock, so nobody waits in a circle.
_SEALING = "payments.sealing"


def lock_for_sealing() -> None:
    """Until the transaction ends nothing is booked into a past day, and no import batch opens."""
    _lock("pg_advisory_xact_lock")


def lock_against_sealing() -> None:
    """Until the transaction ends no day is sealed."""
    _lock("pg_advisory_xact_lock_shared")


@transaction.atomic
def seal_day(
    *, day: date, seal_no: int, seal_hash: bytes, prev_hash: bytes, body: bytes, sealed_at: datetime
) -> SealedDay:
    """Close the day: from the commit on the database refuses every event of it.

    Call lock_for_sealing() first, in the same transaction. The database refuses a second seal of a day, a second seal
    after the same one, and a hash that is not the body's.
    """
    return SealedDay.objects.create(
        booking_day=day, seal_no=seal_no, seal_hash=seal_hash, prev_hash=prev_hash, body=body, sealed_at=sealed_at
    )


def _lock(function: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {function}(hashtextextended(%s, 0))", [_SEALING])
