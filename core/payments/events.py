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


@event(EventType.ACTION_REQUIRED, aggregate_type=PAYMENT)
class AttemptActionRequired(PaymentFact):
    """The provider waits for the customer."""


@event(EventType.AUTHORIZED, aggregate_type=PAYMENT)
class PaymentAuthorized(PaymentFact):
    """Money is held."""


@event(EventType.CAPTURE_DECLINED, aggregate_type=PAYMENT)
class CaptureDeclined(PaymentFact):
    """The provider refused to take what it holds."""


@event(EventType.VOIDED, aggregate_type=PAYMENT)
class PaymentVoided(PaymentFact):
    """What was held is let go; nothing was taken."""


@event(EventType.REMAINDER_RELEASED, aggregate_type=PAYMENT)
class RemainderReleased(PaymentFact):
    """What was held and not taken is let go."""


@event(EventType.VOID_DECLINED, aggregate_type=PAYMENT)
class VoidDeclined(PaymentFact):
    """The provider refused to let go of what it holds."""


@event(EventType.CANCELED, aggregate_type=PAYMENT)
class PaymentCanceled(PaymentFact):
    """The attempt was given up before it reached the provider."""


@event(EventType.REFUND_REQUESTED, aggregate_type=PAYMENT)
class RefundRequested(PaymentFact):
    """Money is to be given back."""


@event(EventType.REFUND_SUCCEEDED, aggregate_type=PAYMENT)
class RefundSucceeded(PaymentFact):
    """Money was given back."""


@event(EventType.REFUND_FAILED, aggregate_type=PAYMENT)
class RefundFailed(PaymentFact):
    """The provider refused to give money back."""


@event(EventType.DISPUTE_OPENED, aggregate_type=PAYMENT)
class DisputeOpened(PaymentFact):
    """The customer contests a capture; the provider took the amount back."""


@event(EventType.DISPUTE_EVIDENCE_SUBMITTED, aggregate_type=PAYMENT)
class DisputeEvidenceSubmitted(PaymentFact):
    """We told our side of a dispute."""


@event(EventType.DISPUTE_WON, aggregate_type=PAYMENT)
class DisputeWon(PaymentFact):
    """The contested amount is ours again."""


@event(EventType.DISPUTE_LOST, aggregate_type=PAYMENT)
class DisputeLost(PaymentFact):
    """The contested amount is gone for good."""


@event(EventType.VOUCHER_ISSUED, aggregate_type=PAYMENT)
class VoucherIssued(PaymentFact):
    """A voucher was made, which we owe to whoever has its code."""


PAYMENT_EVENT_CLASSES: dict[EventType, type[PaymentFact]] = {
    EventType.CREATED: PaymentCreated,
    EventType.ACTION_REQUIRED: AttemptActionRequired,
    EventType.UNKNOWN: AttemptUnknown,
    EventType.AUTHORIZED: PaymentAuthorized,
    EventType.CAPTURED: PaymentCaptured,
    EventType.CAPTURE_DECLINED: CaptureDeclined,
    EventType.VOIDED: PaymentVoided,
    EventType.REMAINDER_RELEASED: RemainderReleased,
    EventType.VOID_DECLINED: VoidDeclined,
    EventType.FAILED: PaymentFailed,
    EventType.CANCELED: PaymentCanceled,
    EventType.REFUND_REQUESTED: RefundRequested,
    EventType.REFUND_SUCCEEDED: RefundSucceeded,
    EventType.REFUND_FAILED: RefundFailed,
    EventType.DISPUTE_OPENED: DisputeOpened,
    EventType.DISPUTE_EVIDENCE_SUBMITTED: DisputeEvidenceSubmitted,
    EventType.DISPUTE_WON: DisputeWon,
    EventType.DISPUTE_LOST: DisputeLost,
    EventType.DEPOSIT_POSTED: DepositPosted,
    EventType.VOUCHER_ISSUED: VoucherIssued,
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
