"""PaymentEvent, PostgreSQL's side of the ledger, turned into the ledger's rows; and how far it is recorded."""

from collections.abc import Iterable, Iterator
from datetime import date
from typing import Any
from uuid import UUID

import structlog
from django.db import connection

from core.payments.models import PaymentEvent
from payments_ledger.errors import PoisonEvent
from payments_ledger.rows import EventRows, rows_of

logger = structlog.get_logger(__name__)

READ_ROWS = 1000

_UNRECORDED = """
SELECT count(*), coalesce(sum(newest.seq - coalesce(recording.recorded_seq, 0)), 0)
FROM (SELECT payment_id, max(seq) AS seq FROM payments_paymentevent GROUP BY payment_id) AS newest
LEFT JOIN payments_paymentrecording AS recording USING (payment_id)
WHERE coalesce(recording.recorded_seq, 0) < newest.seq
"""


def unrecorded() -> tuple[int, int]:
    """How many payments have events that Cassandra has not acknowledged yet, and how many events those are."""
    with connection.cursor() as cursor:
        cursor.execute(_UNRECORDED)
        payments, events = cursor.fetchone()
    return payments, int(events)


def events_with_keys(keys: Iterable[tuple[UUID, int]]) -> Iterator[EventRows]:
    """The rows of those (payment_id, seq) that PostgreSQL holds and that can be recorded."""
    wanted = set(keys)
    if wanted:
        held = PaymentEvent.objects.filter(
            payment_id__in={payment_id for payment_id, _ in wanted}, seq__in={seq for _, seq in wanted}
        )
        for event in _read(held):
            if (event.payment_id, event.seq) in wanted:
                yield event


def events(
    *, first_day: date | None = None, last_day: date | None = None, payment_id: UUID | None = None
) -> Iterator[EventRows]:
    """Every recordable event of those days (both included) or of that payment, in no particular order."""
    held = PaymentEvent.objects.all()
    if first_day is not None:
        held = held.filter(booking_day__gte=first_day)
    if last_day is not None:
        held = held.filter(booking_day__lte=last_day)
    if payment_id is not None:
        held = held.filter(payment_id=payment_id)
    yield from _read(held)


def _read(held: Any) -> Iterator[EventRows]:
    columns = held.values_list("payment_id", "seq", "body", "body_sha256")
    for payment_id, seq, body, body_sha256 in columns.iterator(chunk_size=READ_ROWS):
        try:
            yield rows_of(bytes(body), body_sha256=bytes(body_sha256), payment_id=payment_id, seq=seq)
        except PoisonEvent as error:
            # It must not stand in the way of its neighbours; verify names it.
            logger.error("ledger_event_unreadable", payment_id=str(payment_id), seq=seq, reason=error.detail)
