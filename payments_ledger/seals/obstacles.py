"""Why a day cannot be sealed yet, apart from differences: it is not over, or something of it is still under way."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import connection
from django.db.models import Q

from core.payments.models import ImportBatch, PaymentEvent
from core.payments.selectors import watermark

LEDGER_GROUP = "ledger"
NAMED_MAX = 20

# Payment id as text → the first sequence number that waits, and why. A dead letter that was sent again counts no more.
_WAITING = """
SELECT agg_key, first_seq, 'parked by the ledger: ' || reason FROM outbox_consumer_parked WHERE group_id = %(group)s
UNION ALL
SELECT agg_key, coalesce(agg_seq, 1), 'a dead letter of the ledger: ' || reason
FROM outbox_dead_letter WHERE group_id = %(group)s AND redriven_at IS NULL
UNION ALL
SELECT agg_key, 1, 'parked by the relay: ' || reason FROM outbox_parked
"""


def end_of(day: date) -> datetime:
    """The first moment after the day, UTC."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=1)


def not_over(day: date, moment: datetime | None = None) -> list[str]:
    """One sentence when the watermark (read now, unless given) has not passed the day's end. Outside a transaction."""
    moment = moment or watermark.read()
    if moment >= end_of(day):
        return []
    return [f"{day} is not over: the watermark is {moment:%Y-%m-%d %H:%M:%S} UTC"]


def under_way(day: date, *, since: datetime | None = None) -> list[str]:
    """Open import batches over the day, and its payments that are parked or dead letters, each named.

    With `since` also the batches that were open at any time after it.
    """
    return _open_imports(day, since) + _waiting_payments(day)


def _open_imports(day: date, since: datetime | None) -> list[str]:
    condition = Q(state=ImportBatch.State.OPEN)
    if since is not None:
        condition |= Q(closed_at__gte=since)
    batches = ImportBatch.objects.filter(condition, first_day__lte=day, last_day__gte=day).order_by("opened_at")
    return [
        f"{day}: import batch {batch.id} of {batch.source} "
        f"{'is' if batch.state == ImportBatch.State.OPEN else 'was just'} open"
        f" ({batch.first_day} to {batch.last_day})"
        for batch in batches
    ]


def _waiting_payments(day: date) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(_WAITING, {"group": settings.KAFKA_GROUP_PREFIX + LEDGER_GROUP})
        waiting: list[tuple[str, int, str]] = cursor.fetchall()
    payments = {payment_id for payment_id in (_uuid(key) for key, _, _ in waiting) if payment_id is not None}
    if not payments:
        return []
    booked: dict[UUID | None, int] = {}
    for payment_id, seq in PaymentEvent.objects.filter(booking_day=day, payment_id__in=payments).values_list(
        "payment_id", "seq"
    ):
        booked[payment_id] = max(seq, booked.get(payment_id, 0))
    return _limited(
        [
            f"{day}: payment {key} is {why}"
            for key, first_seq, why in sorted(waiting)
            if first_seq <= booked.get(_uuid(key), 0)
        ]
    )


def _limited(sentences: Sequence[str]) -> list[str]:
    hidden = len(sentences) - NAMED_MAX
    return [*sentences[:NAMED_MAX], *([f"… and {hidden} more"] if hidden > 0 else [])]


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
