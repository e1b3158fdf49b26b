"""PaymentEvent through the sink's own writing code once more: for a truncated or new keyspace, or a lost message."""

from collections.abc import Iterator
from itertools import islice

from core.payments.services import recording
from payments_ledger import history, writing
from payments_ledger.history import Selection

BATCH_EVENTS = 1000
EVERYTHING = Selection()


def replay(selection: Selection = EVERYTHING) -> Iterator[int]:
    """Write the selected events again and advance recorded_seq, yielding the number written after each batch.

    Writes at the events' own timestamps: what is there already stays as it is, and a row deleted or edited by hand
    after it was booked is not mended (repair does that). Raises LedgerUnavailable; running it again is safe.
    """
    written = 0
    remaining = history.events(selection)
    while batch := list(islice(remaining, BATCH_EVENTS)):
        writing.write(batch)
        recording.advance(pairs=sorted((event.payment_id, event.seq) for event in batch))
        written += len(batch)
        yield written
