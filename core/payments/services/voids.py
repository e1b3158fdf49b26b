"""Voids: letting go of what is held and not taken. The caller holds the locks of the order and the payment."""

from core.payments.domain.operation_state import Attention, OperationKind
from core.payments.domain.payment_state import HELD_STATES, STORED_VALUE_TYPES, EventType
from core.payments.errors import NothingHeld
from core.payments.gateways.protocol import GatewayResult
from core.payments.models import Payment, PaymentOperation
from core.payments.selectors.operations import refuse_while_open
from core.payments.services import operations, payments, stored_value


def request(payment: Payment, *, reason: str) -> PaymentOperation:
    """Let go of all that is held and not taken: the whole authorization, or the rest after partial captures.

    Stored value is free again at once, anything else when the provider confirms. Raises NothingHeld, or
    OperationInProgress while a capture or another void is on its way.
    """
    if payment.state not in HELD_STATES:
        raise NothingHeld(f"Payment {payment.id} is {payment.state}: there is nothing to let go of.")
    refuse_while_open(payment, OperationKind.CAPTURE, OperationKind.VOID)
    remainder_minor = payment.authorized_minor - payment.captured_minor
    if payment.payment_type not in STORED_VALUE_TYPES:
        return operations.request(payment=payment, kind=OperationKind.VOID, amount_minor=remainder_minor, reason=reason)
    operation = operations.settled_at_once(
        payment=payment, kind=OperationKind.VOID, amount_minor=remainder_minor, reason=reason
    )
    stored_value.let_go(payment, remainder_minor)
    _release(payment, operation, provider_ref="")
    return operation


def succeeded(payment: Payment, operation: PaymentOperation, result: GatewayResult) -> None:
    _release(payment, operation, provider_ref=result.provider_ref)


def declined(payment: Payment, operation: PaymentOperation, result: GatewayResult) -> None:
    """The customer's money is still held and a person must look; never an exception, and never a refund instead."""
    payments.advance(payment, EventType.VOID_DECLINED, amount_minor=operation.amount_minor, object_id=operation.id)
    operations.flag(operation, Attention.VOID_DECLINED)
    operation.save()


def _release(payment: Payment, operation: PaymentOperation, *, provider_ref: str) -> None:
    event_type = EventType.REMAINDER_RELEASED if payment.captured_minor else EventType.VOIDED
    payments.advance(
        payment,
        event_type,
        amount_minor=operation.amount_minor,
        provider_ref=provider_ref,
        object_id=operation.id,
    )
