"""PaymentEvent, PostgreSQL's side of the ledger, turned into the ledger's rows; and how far it is recorded."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import structlog
from django.db import connection
from django.db.models import QuerySet

from core.payments.models import PaymentEvent
from payments_ledger.errors import PoisonEvent
from payments_ledger.rows import EventRows, rows_of

logger = structlog.get_logger(__name__)

READ_ROWS = 1000
_COLUMNS = ("payment_id", "seq", "body", "body_sha256")

Key = tuple[UUID, int]

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


def newest_events(payment_ids: Iterable[UUID]) -> Iterator[EventRows]:
    """The newest event of each of these payments, where it can be recorded."""
    wanted = set(payment_ids)
    if wanted:
        held = PaymentEvent.objects.filter(payment_id__in=wanted)
        yield from _read(held.order_by("payment_id", "-seq").distinct("payment_id"))


@dataclass(frozen=True, slots=True)
class Selection:
    """Which events: of those days (both included), booked from `since` on and before `until`, of that payment.

    What is None does not limit. Times are aware.
    """

    first_day: date | None = None
    last_day: date | None = None
    since: datetime | None = None
    until: datetime | None = None
    payment_id: UUID | None = None


def count(selection: Selection) -> int:
    """How many events these are, recordable or not."""
    return _held(selection).count()


def events(selection: Selection) -> Iterator[EventRows]:
    """Every recordable event of the selection, in no particular order."""
    yield from _read(_held(selection))


def events_of_block(booking_day: date, payment_type: str, bucket: int) -> Iterator[EventRows]:
    """Every recordable event of a block, each payment's in their order."""
    held = PaymentEvent.objects.filter(booking_day=booking_day, payment_type=payment_type, bucket=bucket)
    yield from _read(held.order_by("payment_id", "seq"))


def page_after(position: Key | None, limit: int, *, is_newest_only: bool) -> tuple[list[EventRows], Key | None]:
    """The next events in the order of payments and sequence numbers, or the next payments' newest events.

    With them comes the position to go on from: None when these were the last.
    """
    held = PaymentEvent.objects.all()
    if position is not None and is_newest_only:
        held = held.filter(payment_id__gt=position[0])
    elif position is not None:
        held = held.filter(payment_id__gte=position[0]).exclude(payment_id=position[0], seq__lte=position[1])
    if is_newest_only:
        held = held.order_by("payment_id", "-seq").distinct("payment_id")
    else:
        held = held.order_by("payment_id", "seq")
    found = list(held.values_list(*_COLUMNS)[:limit])
    return list(_rows(found)), (found[-1][:2] if len(found) == limit else None)


def _held(selection: Selection) -> QuerySet[PaymentEvent]:
    limits: dict[str, Any] = {
        "booking_day__gte": selection.first_day,
        "booking_day__lte": selection.last_day,
        "booked_at__gte": selection.since,
        "booked_at__lt": selection.until,
        "payment_id": selection.payment_id,
    }
    # The day is the partition key and the first column of an index; the time is neither.
    if selection.since is not None:
        limits["booking_day__gte"] = max(selection.since.astimezone(UTC).date(), selection.first_day or date.min)
    if selection.until is not None:
        limits["booking_day__lte"] = min(selection.until.astimezone(UTC).date(), selection.last_day or date.max)
    return PaymentEvent.objects.filter(**{name: limit for name, limit in limits.items() if limit is not None})


def _read(held: Any) -> Iterator[EventRows]:
    return _rows(held.values_list(*_COLUMNS).iterator(chunk_size=READ_ROWS))


def _rows(found: Iterable[tuple[Any, ...]]) -> Iterator[EventRows]:
    for payment_id, seq, body, body_sha256 in found:
        try:
            yield rows_of(bytes(body), body_sha256=bytes(body_sha256), payment_id=payment_id, seq=seq)
        except PoisonEvent as error:
            # It must not stand in the way of its neighbours; verify names it.
            logger.error("ledger_event_unreadable", payment_id=str(payment_id), seq=seq, reason=error.detail)
