"""Where a payment can be, and which event moves it. The only table of a payment's transitions."""

from enum import StrEnum


class PaymentType(StrEnum):
    WALLET = "wallet"  # stored value we owe the user
    CARD = "card"  # a card, at a provider
    VOUCHER = "voucher"  # stored value we owe whoever has the code
    BOLETO = "boleto"  # a slip that is paid days later, at a provider
    DEPOSIT = "deposit"  # deposit into a wallet
    VOUCHER_ISSUE = "voucher_issue"  # a voucher made
    IMPORTED = "imported"  # imported sale
    CREDIT = "credit"  # unreferenced credit
    ADJUSTMENT = "adjustment"  # adjustment


# Held and taken in our own books, in the transaction that asks for it; nobody has to be called.
STORED_VALUE_TYPES = frozenset({PaymentType.WALLET, PaymentType.VOUCHER})
# Held and taken by a payment provider, through operations.
PROVIDER_TYPES = frozenset({PaymentType.CARD, PaymentType.BOLETO})


class PaymentState(StrEnum):
    PROCESSING = "processing"  # the authorization is on its way to the provider
    REQUIRES_ACTION = "requires_action"  # the provider waits for the customer
    UNKNOWN = "unknown"  # the authorization had no certain answer; only a query or a webhook settles it
    AUTHORIZED = "authorized"  # held, nothing taken
    PARTIALLY_CAPTURED = "partially_captured"  # taken in part, the rest still held
    CAPTURED = "captured"  # all that will be taken is taken
    FAILED = "failed"  # ended without money
    CANCELED = "canceled"  # given up before any money was taken
    POSTED = "posted"  # deposit, voucher, credit or adjustment in the books


class EventType(StrEnum):
    """Every event of a payment, by its full type; the classes are in core.payments.events."""

    CREATED = "payments.payment.created.v1"
    ACTION_REQUIRED = "payments.attempt.action_required.v1"
    UNKNOWN = "payments.attempt.unknown.v1"
    AUTHORIZED = "payments.payment.authorized.v1"
    CAPTURED = "payments.payment.captured.v1"
    CAPTURE_DECLINED = "payments.capture.declined.v1"
    VOIDED = "payments.payment.voided.v1"
    REMAINDER_RELEASED = "payments.payment.remainder_released.v1"
    VOID_DECLINED = "payments.void.declined.v1"
    FAILED = "payments.payment.failed.v1"
    CANCELED = "payments.payment.canceled.v1"
    REFUND_REQUESTED = "payments.refund.requested.v1"
    REFUND_SUCCEEDED = "payments.refund.succeeded.v1"
    REFUND_FAILED = "payments.refund.failed.v1"
    DISPUTE_OPENED = "payments.dispute.opened.v1"
    DISPUTE_EVIDENCE_SUBMITTED = "payments.dispute.evidence_submitted.v1"
    DISPUTE_WON = "payments.dispute.won.v1"
    DISPUTE_LOST = "payments.dispute.lost.v1"
    DEPOSIT_POSTED = "payments.deposit.posted.v1"
    VOUCHER_ISSUED = "payments.voucher.issued.v1"
    CREDIT_POSTED = "payments.credit.posted.v1"
    ADJUSTMENT_POSTED = "payments.adjustment.posted.v1"


_HELD = (PaymentState.AUTHORIZED, PaymentState.PARTIALLY_CAPTURED)
_TAKEN = (PaymentState.PARTIALLY_CAPTURED, PaymentState.CAPTURED)
_UNDECIDED = (PaymentState.PROCESSING, PaymentState.UNKNOWN, PaymentState.REQUIRES_ACTION)
# They happen to a capture, void, refund or dispute of the payment; the payment itself stays where it is.
_OF_CHILDREN: dict[EventType, tuple[PaymentState, ...]] = {
    EventType.UNKNOWN: (*_HELD, PaymentState.CAPTURED),
    EventType.CAPTURE_DECLINED: _HELD,
    EventType.VOID_DECLINED: _HELD,
    EventType.REFUND_REQUESTED: _TAKEN,
    EventType.REFUND_SUCCEEDED: _TAKEN,
    EventType.REFUND_FAILED: _TAKEN,
    EventType.DISPUTE_OPENED: _TAKEN,
    EventType.DISPUTE_EVIDENCE_SUBMITTED: _TAKEN,
    EventType.DISPUTE_WON: _TAKEN,
    EventType.DISPUTE_LOST: _TAKEN,
}

# (state before, event) → state after. None is "no such payment yet".
PAYMENT_TRANSITIONS: dict[tuple[PaymentState | None, EventType], PaymentState] = {
    (None, EventType.CREATED): PaymentState.PROCESSING,
    (None, EventType.AUTHORIZED): PaymentState.AUTHORIZED,
    (None, EventType.CAPTURED): PaymentState.CAPTURED,
    (None, EventType.DEPOSIT_POSTED): PaymentState.POSTED,
    (None, EventType.VOUCHER_ISSUED): PaymentState.POSTED,
    (None, EventType.CREDIT_POSTED): PaymentState.POSTED,
    (None, EventType.ADJUSTMENT_POSTED): PaymentState.POSTED,
    (PaymentState.PROCESSING, EventType.UNKNOWN): PaymentState.UNKNOWN,
    (PaymentState.PROCESSING, EventType.ACTION_REQUIRED): PaymentState.REQUIRES_ACTION,
    (PaymentState.UNKNOWN, EventType.ACTION_REQUIRED): PaymentState.REQUIRES_ACTION,
    **{(before, EventType.AUTHORIZED): PaymentState.AUTHORIZED for before in _UNDECIDED},
    **{(before, EventType.FAILED): PaymentState.FAILED for before in _UNDECIDED},
    (PaymentState.PROCESSING, EventType.CANCELED): PaymentState.CANCELED,
    # A capture that leaves a remainder leads to PARTIALLY_CAPTURED instead: see next_state.
    **{(before, EventType.CAPTURED): PaymentState.CAPTURED for before in _HELD},
    (PaymentState.AUTHORIZED, EventType.VOIDED): PaymentState.CANCELED,
    (PaymentState.PARTIALLY_CAPTURED, EventType.REMAINDER_RELEASED): PaymentState.CAPTURED,
    **{(state, event): state for event, states in _OF_CHILDREN.items() for state in states},
}

# The provider has not decided whether there is any money at all.
PENDING_STATES = frozenset(_UNDECIDED)
HELD_STATES = frozenset(_HELD)
TAKEN_STATES = frozenset(_TAKEN)
FINAL_STATES = frozenset({PaymentState.CAPTURED, PaymentState.FAILED, PaymentState.CANCELED, PaymentState.POSTED})


class IllegalTransition(Exception):
    """The event does not apply in this state: an operation was recorded twice, or the table lacks a row."""


def next_state(before: PaymentState | None, event: EventType, *, remainder_minor: int = 0) -> PaymentState:
    """The state after `event`; IllegalTransition when the table has no such row.

    `remainder_minor` is what stays held after the event; only a capture can leave any.
    """
    try:
        after = PAYMENT_TRANSITIONS[(before, event)]
    except KeyError:
        raise IllegalTransition(f"{event} does not apply to a payment that is {before or 'absent'}") from None
    if event == EventType.CAPTURED and remainder_minor > 0:
        return PaymentState.PARTIALLY_CAPTURED
    return after
