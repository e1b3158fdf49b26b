"""Where a payment and an operation can be, and which event moves them. The only table of their transitions."""

from enum import StrEnum


class PaymentType(StrEnum):
    WALLET = "wallet"  # wallet
    CARD = "card"  # card
    DEPOSIT = "deposit"  # deposit into a wallet
    IMPORTED = "imported"  # imported sale
    CREDIT = "credit"  # unreferenced credit
    ADJUSTMENT = "adjustment"  # adjustment


class PaymentState(StrEnum):
    PROCESSING = "processing"  # an operation is on its way to the provider
    UNKNOWN = "unknown"  # the provider did not answer; only a query or a webhook settles it
    CAPTURED = "captured"  # money taken
    FAILED = "failed"  # ended without money
    POSTED = "posted"  # deposit, credit or adjustment in the books


class EventType(StrEnum):
    """Every event of a payment, by its full type; the classes are in core.payments.events."""

    CREATED = "payments.payment.created.v1"
    CAPTURED = "payments.payment.captured.v1"
    FAILED = "payments.payment.failed.v1"
    UNKNOWN = "payments.attempt.unknown.v1"
    DEPOSIT_POSTED = "payments.deposit.posted.v1"
    CREDIT_POSTED = "payments.credit.posted.v1"
    ADJUSTMENT_POSTED = "payments.adjustment.posted.v1"


# (state before, event) → state after. None is "no such payment yet".
PAYMENT_TRANSITIONS: dict[tuple[PaymentState | None, EventType], PaymentState] = {
    (None, EventType.CREATED): PaymentState.PROCESSING,
    (None, EventType.CAPTURED): PaymentState.CAPTURED,
    (None, EventType.DEPOSIT_POSTED): PaymentState.POSTED,
    (None, EventType.CREDIT_POSTED): PaymentState.POSTED,
    (None, EventType.ADJUSTMENT_POSTED): PaymentState.POSTED,
    (PaymentState.PROCESSING, EventType.CAPTURED): PaymentState.CAPTURED,
    (PaymentState.PROCESSING, EventType.FAILED): PaymentState.FAILED,
    (PaymentState.PROCESSING, EventType.UNKNOWN): PaymentState.UNKNOWN,
    (PaymentState.UNKNOWN, EventType.CAPTURED): PaymentState.CAPTURED,
    (PaymentState.UNKNOWN, EventType.FAILED): PaymentState.FAILED,
}

PENDING_STATES = frozenset({PaymentState.PROCESSING, PaymentState.UNKNOWN})
FINAL_STATES = frozenset({PaymentState.CAPTURED, PaymentState.FAILED, PaymentState.POSTED})


class IllegalTransition(Exception):
    """The event does not apply in this state: an operation was recorded twice, or the table lacks a row."""


def next_state(before: PaymentState | None, event: EventType) -> PaymentState:
    """The state after `event`; IllegalTransition when the table has no such row."""
    try:
        return PAYMENT_TRANSITIONS[(before, event)]
    except KeyError:
        raise IllegalTransition(f"{event} does not apply to a payment that is {before or 'absent'}") from None


class OperationKind(StrEnum):
    CHARGE = "charge"  # authorize and capture in one call


class OperationState(StrEnum):
    REQUESTED = "requested"  # to be submitted
    SUBMITTED = "submitted"  # a worker holds the lease and is calling the provider
    UNKNOWN = "unknown"  # no certain answer; to be asked for
    SUCCEEDED = "succeeded"  # the provider confirmed
    DECLINED = "declined"  # the provider refused


OPEN_OPERATION_STATES = (OperationState.REQUESTED, OperationState.SUBMITTED, OperationState.UNKNOWN)
