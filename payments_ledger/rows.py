"""A payment event's body → its row in each table. Pure: the same bytes give the same rows, everywhere and for ever."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from operator import itemgetter
from typing import Any
from uuid import UUID

from payments_ledger.bodies import fields_of
from payments_ledger.errors import HashMismatch
from payments_ledger.tables import (
    EVENTS_BY_DAY,
    PAYMENT_EVENTS,
    PAYMENTS_BY_ID,
    PAYMENTS_BY_PROVIDER_REF,
    PAYMENTS_BY_USER_MONTH,
)

_TIMES = ("occurred_at", "booked_at", "payment_created_at")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

# A row is a tuple of values in the order of its table's columns. Times are integers in Cassandra's milliseconds, so
# that a value read back compares equal; None marks a value to leave unset.
Row = tuple[Any, ...]

_record_of = itemgetter(*PAYMENT_EVENTS.columns)
_state_of = itemgetter(*PAYMENTS_BY_ID.columns)
_entry_of = itemgetter(*EVENTS_BY_DAY.columns)
_user_month_of = itemgetter(*PAYMENTS_BY_USER_MONTH.columns)
_reference_of = itemgetter(*PAYMENTS_BY_PROVIDER_REF.columns)


@dataclass(frozen=True, slots=True)
class EventRows:
    """One event as every table stores it. `write_timestamp_us` is booked_at in microseconds since 1970, UTC."""

    payment_id: UUID
    seq: int
    order_id: UUID
    booking_day: date
    payment_type: str
    bucket: int
    event_type: str
    currency: str
    amount_minor: int
    body_sha256: bytes
    write_timestamp_us: int
    record: Row  # payment_events
    state: Row  # payments_by_id
    entry: Row  # events_by_day
    user_month: Row  # payments_by_user_month
    reference: Row | None  # payments_by_provider_ref; None for an event without a provider's reference


def rows_of(
    body: bytes,
    *,
    body_sha256: bytes | None = None,
    payment_id: UUID | None = None,
    seq: int | None = None,
) -> EventRows:
    """The rows of the event with this canonical body.

    `body_sha256`, `payment_id` and `seq` are what the carrier of the body claims; each is checked when given.
    Raises a PoisonEvent that names what is wrong; trying the same bytes again cannot help.
    """
    digest = sha256(body).digest()
    if body_sha256 is not None and bytes(body_sha256) != digest:
        raise HashMismatch(f"the body's SHA-256 is {digest.hex()}, its carrier says {bytes(body_sha256).hex()}")
    fields = fields_of(body, payment_id=payment_id, seq=seq)
    return _rows(fields, text=body.decode(), digest=digest)


def milliseconds(moment: datetime) -> int:
    """Whole milliseconds since 1970, the precision Cassandra keeps; what is finer is cut off, never rounded up."""
    return microseconds(moment) // 1000


def microseconds(moment: datetime) -> int:
    """Microseconds since 1970, exactly: no float is involved."""
    return (moment - _EPOCH) // _MICROSECOND


def month_of(moment: date) -> int:
    """The partition of a day or of a moment in UTC: 202611 for November 2026."""
    return moment.year * 100 + moment.month


def _rows(fields: dict[str, Any], *, text: str, digest: bytes) -> EventRows:
    booked_at_us = microseconds(fields["booked_at"])
    times = {name: milliseconds(fields[name]) for name in _TIMES}
    stored = {
        **fields,
        **times,
        "body": text,
        "body_sha256": digest,
        "status": fields["status_after"],
        "version": fields["seq"],
        "created_at": times["payment_created_at"],
        "updated_at": times["booked_at"],
        "month": month_of(fields["payment_created_at"]),
    }
    return EventRows(
        payment_id=fields["payment_id"],
        seq=fields["seq"],
        order_id=fields["order_id"],
        booking_day=fields["booking_day"],
        payment_type=fields["payment_type"],
        bucket=fields["bucket"],
        event_type=fields["event_type"],
        currency=fields["currency"],
        amount_minor=fields["amount_minor"],
        body_sha256=digest,
        write_timestamp_us=booked_at_us,
        record=_record_of(stored),
        state=_state_of(stored),
        entry=_entry_of(stored),
        user_month=_user_month_of(stored),
        reference=_reference_of(stored) if fields["provider"] and fields["provider_ref"] else None,
    )
