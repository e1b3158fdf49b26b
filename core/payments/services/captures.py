"""Captures: taking what is held, whole or in parts. The caller holds the locks of the order and the payment."""

from core.payments.domain.operation_state import Attention, OperationKind
from core.payments.domain.payment_state import HELD_STATES, STORED_VALUE_TYPES, EventType
from core.payments.errors import CaptureExceedsAuthorization, NothingHeld
from core.payments.gateways.protocol import GatewayResult
from core.payments.models import Payment, PaymentOperation
from core.payments.selectors.operations import has_final_capture, refuse_while_open
from core.payments.services import operations, payments, stored_value, voids


def request(payment: Payment, *, amount_minor: int | None, is_final: bool, reason: str = "") -> PaymentOperation:
    """Take `amount_minor` of what is held (None: all that is left); `is_final` lets the rest go afterwards.

    Stored value is taken at once, anything else by the provider. Raises NothingHeld, CaptureExceedsAuthorization, or
    OperationInProgress while a void is on its way.
    """
    if payment.state not in HELD_STATES:
        raise NothingHeld(f"Payment {payment.id} is {payment.state}: there is nothing to capture.")
    refuse_while_open(payment, OperationKind.VOID)
    left_minor = payment.authorized_minor - payment.captured_minor - payment.pending_capture_minor
    asked_minor = left_minor if amount_minor is None else amount_minor
    if not 0 < asked_minor <= left_minor:
        raise CaptureExceedsAuthorization(
            f"{asked_minor} {payment.currency} minor units are to be captured and {left_minor} are held and free.",
            available_minor=left_minor,
        )
    payment.pending_capture_minor += asked_minor
    payment.save(update_fields=["pending_capture_minor"])
    if payment.payment_type in STORED_VALUE_TYPES:
        return _take_stored_value(payment, asked_minor, is_final=is_final, reason=reason)
    return operations.request(
        payment=payment, kind=OperationKind.CAPTURE, amount_minor=asked_minor, is_final=is_final, reason=reason
    )


def succeeded(payment: Payment, operation: PaymentOperation, result: GatewayResult) -> None:
    payment.pending_capture_minor -= operation.amount_minor
    payments.advance(
        payment,
        EventType.CAPTURED,
        amount_minor=operation.amount_minor,
        provider_ref=result.provider_ref,
        object_id=operation.id,
    )
    _let_the_rest_go(payment)


def declined(payment: Payment, operation: PaymentOperation, result: GatewayResult) -> None:
    """The money stays held and a person must look: the order was confirmed on the strength of the authorization."""
    payment.pending_capture_minor -= operation.amount_minor
    payments.advance(payment, EventType.CAPTURE_DECLINED, amount_minor=operation.amount_minor, object_id=operation.id)
    operations.flag(operation, Attention.CAPTURE_DECLINED)
    operation.save()


def _take_stored_value(payment: Payment, amount_minor: int, *, is_final: bool, reason: str) -> PaymentOperation:
    operation = operations.settled_at_once(
        payment=payment, kind=OperationKind.CAPTURE, amount_minor=amount_minor, is_final=is_final, reason=reason
    )
    stored_value.take(payment, amount_minor)
    payment.pending_capture_minor -= amount_minor
    payments.advance(payment, EventType.CAPTURED, amount_minor=amount_minor, object_id=operation.id)
    _let_the_rest_go(payment)
    return operation


def _let_the_rest_go(payment: Payment) -> None:
    """Once a final capture went through and no other is on its way any more."""
    is_over = payment.pending_capture_minor == 0 and payment.authorized_minor > payment.captured_minor
    if is_over and has_final_capture(payment.id):
        voids.request(payment, reason="the rest after a final capture")
