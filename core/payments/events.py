"""The events payments publish. One body for all of them, so that every row of the ledger can be read the same way."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from core.payments.domain.payment_state import EventType
from outbox.events import event

PAYMENT = "payments.payment"
OPERATION = "payments.operation"
SCHEMA_VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentFact:
    """What every event of a payment says. Amounts in minor units; totals are those after the event; times in UTC."""

    event_id: UUID
    event_type: str
    payment_id: UUID
    seq: int
    order_id: UUID
    user_id: UUID
    object_id: UUID | None
    payment_type: str
    provider: str
    provider_ref: str
    status_after: str
    amount_minor: int
    currency: str
    authorized_minor: int
    captured_minor: int
    refunded_minor: int
    disputed_minor: int
    postings: dict[str, int]
    occurred_at: datetime
    booked_at: datetime
    booking_day: date
    bucket: int
    region: str
    payment_created_at: datetime
    schema_version: int = SCHEMA_VERSION


@event(EventType.CREATED, aggregate_type=PAYMENT)
class PaymentCreated(PaymentFact):
    """An attempt to take money was begun."""


@event(EventType.CAPTURED, aggregate_type=PAYMENT)
class PaymentCaptured(PaymentFact):
    """Money was taken."""


@event(EventType.FAILED, aggregate_type=PAYMENT)
class PaymentFailed(PaymentFact):
    """The payment ended without money."""


@event(EventType.UNKNOWN, aggregate_type=PAYMENT)
class AttemptUnknown(PaymentFact):
    """The provider gave no certain answer."""


@event(EventType.DEPOSIT_POSTED, aggregate_type=PAYMENT)
class DepositPosted(PaymentFact):
    """A wallet was topped up."""


@event(EventType.CREDIT_POSTED, aggregate_type=PAYMENT)
class CreditPosted(PaymentFact):
    """Money was given back without an original payment to refer to."""


@event(EventType.ADJUSTMENT_POSTED, aggregate_type=PAYMENT)
class AdjustmentPosted(PaymentFact):
    """The books were corrected by an amount that no sale explains."""


PAYMENT_EVENT_CLASSES: dict[EventType, type[PaymentFact]] = {
    EventType.CREATED: PaymentCreated,
    EventType.CAPTURED: PaymentCaptured,
    EventType.FAILED: PaymentFailed,
    EventType.UNKNOWN: AttemptUnknown,
    EventType.DEPOSIT_POSTED: DepositPosted,
    EventType.CREDIT_POSTED: CreditPosted,
    EventType.ADJUSTMENT_POSTED: AdjustmentPosted,
}
assert set(PAYMENT_EVENT_CLASSES) == set(EventType), "every event type of payment_state needs its class here"


@event("payments.operation.requested.v1", aggregate_type=OPERATION)
@dataclass(frozen=True, slots=True, kw_only=True)
class OperationRequested:
    """A hint to the gateway role that an operation is due; the row in PostgreSQL is what counts."""

    operation_id: UUID
    payment_id: UUID
    seq: int
    kind: str
    gateway: str
