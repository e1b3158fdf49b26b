"""PaymentEvent through the sink's own writing code once more: for a truncated or new keyspace, or a lost message."""

from collections.abc import Iterator
from datetime import date
from itertools import islice
from uuid import UUID

from core.payments.services import recording
from payments_ledger import history, writing

BATCH_EVENTS = 1000


def replay(
    *, first_day: date | None = None, last_day: date | None = None, payment_id: UUID | None = None
) -> Iterator[int]:
    """Write the events again and advance recorded_seq, yielding the number written after each batch.

    Writes at the events' own timestamps: what is there already stays as it is, and a row deleted or edited by hand
    after it was booked is not mended. Raises LedgerUnavailable; running it again is safe.
    """
    written = 0
    remaining = history.events(first_day=first_day, last_day=last_day, payment_id=payment_id)
    while batch := list(islice(remaining, BATCH_EVENTS)):
        writing.write(batch)
        recording.advance(pairs=sorted((event.payment_id, event.seq) for event in batch))
        written += len(batch)
        yield written
