"""Refunds: giving back what was taken, whole or in parts. The caller holds the locks of the order and the payment."""

from core.payments.domain.operation_state import Attention, OperationKind
from core.payments.domain.payment_state import PROVIDER_TYPES, STORED_VALUE_TYPES, TAKEN_STATES, EventType
from core.payments.errors import NothingToRefund, RefundExceedsCapture
from core.payments.gateways.protocol import GatewayResult
from core.payments.models import Payment, PaymentOperation
from core.payments.services import operations, payments, stored_value


def refundable_minor(payment: Payment) -> int:
    """Captured, less what is refunded, on its way back, or in an open or lost dispute."""
    gone = payment.refunded_minor + payment.pending_refund_minor + payment.disputed_minor
    return max(payment.captured_minor - gone, 0)


def request(payment: Payment, *, amount_minor: int | None, reason: str) -> PaymentOperation:
    """Give back `amount_minor` (None: all that can be) to where it came from.

    The amount is set aside on the payment before anybody is asked, so refunds that are requested at once, repeated or
    without a certain outcome can never give back more than was captured. Raises NothingToRefund or
    RefundExceedsCapture.
    """
    if payment.state not in TAKEN_STATES or payment.payment_type not in STORED_VALUE_TYPES | PROVIDER_TYPES:
        raise NothingToRefund(f"Payment {payment.id} is {payment.payment_type}, {payment.state}: nothing to refund.")
    left_minor = refundable_minor(payment)
    asked_minor = left_minor if amount_minor is None else amount_minor
    if not 0 < asked_minor <= left_minor:
        raise RefundExceedsCapture(
            f"{asked_minor} {payment.currency} minor units are to be refunded and {left_minor} can be.",
            available_minor=left_minor,
        )
    payment.pending_refund_minor += asked_minor
    is_stored_value = payment.payment_type in STORED_VALUE_TYPES
    make = operations.settled_at_once if is_stored_value else operations.request
    operation = make(payment=payment, kind=OperationKind.REFUND, amount_minor=asked_minor, reason=reason)
    payments.advance(payment, EventType.REFUND_REQUESTED, amount_minor=asked_minor, object_id=operation.id)
    if is_stored_value:
        stored_value.give_back(payment, asked_minor)
        _end(payment, operation, EventType.REFUND_SUCCEEDED, provider_ref="")
    return operation


def succeeded(payment: Payment, operation: PaymentOperation, result: GatewayResult) -> None:
    _end(payment, operation, EventType.REFUND_SUCCEEDED, provider_ref=result.provider_ref)


def declined(payment: Payment, operation: PaymentOperation, result: GatewayResult) -> None:
    """The amount may be refunded again, and a person must look: the customer was promised it."""
    _end(payment, operation, EventType.REFUND_FAILED, provider_ref="")
    operations.flag(operation, Attention.REFUND_DECLINED)
    operation.save()


def _end(payment: Payment, operation: PaymentOperation, event_type: EventType, *, provider_ref: str) -> None:
    payment.pending_refund_minor -= operation.amount_minor
    payments.advance(
        payment,
        event_type,
        amount_minor=operation.amount_minor,
        provider_ref=provider_ref,
        object_id=operation.id,
    )
