"""Authorizations: the first step of every payment that is held first. The caller holds the order's lock."""

from uuid import UUID

from core.money import Money
from core.payments.domain.operation_state import OperationKind, OperationState
from core.payments.domain.payment_state import EventType, PaymentState, PaymentType
from core.payments.gateways.protocol import GatewayResult
from core.payments.models import Payment, PaymentOperation
from core.payments.services import operations, payments, stored_value, vouchers


def hold_in_wallet(*, order_id: UUID, checkout_id: UUID, user_id: UUID, amount: Money) -> Payment:
    """Hold the amount in the user's wallet. Raises InsufficientFunds or NoWallet, and then nothing has changed."""
    stored_value.hold_in_wallet(user_id=user_id, amount=amount)
    return payments.begin(
        event_type=EventType.AUTHORIZED,
        payment_type=PaymentType.WALLET,
        order_id=order_id,
        checkout_id=checkout_id,
        user_id=user_id,
        amount=amount,
    )


def hold_in_voucher(*, order_id: UUID, checkout_id: UUID, user_id: UUID, amount: Money, code: str) -> Payment:
    """Hold the amount in a voucher. Raises VoucherUnusable or VoucherInsufficient, and then nothing has changed."""
    voucher = vouchers.usable(code=code, currency=amount.currency)
    stored_value.hold_in_voucher(voucher, amount=amount)
    return payments.begin(
        event_type=EventType.AUTHORIZED,
        payment_type=PaymentType.VOUCHER,
        order_id=order_id,
        checkout_id=checkout_id,
        user_id=user_id,
        amount=amount,
        voucher=voucher,
    )


def request(
    *,
    payment_type: PaymentType,
    order_id: UUID,
    checkout_id: UUID,
    user_id: UUID,
    amount: Money,
    provider: str,
    token: str,
) -> Payment:
    """Begin a payment at a provider; the gateway role asks it to hold the amount after the commit."""
    payment = payments.begin(
        event_type=EventType.CREATED,
        payment_type=payment_type,
        order_id=order_id,
        checkout_id=checkout_id,
        user_id=user_id,
        amount=amount,
        provider=provider,
        token=token,
    )
    operations.request(payment=payment, kind=OperationKind.AUTHORIZE, amount_minor=amount.amount_minor)
    return payment


def succeeded(payment: Payment, operation: PaymentOperation, result: GatewayResult) -> None:
    _end(payment, operation, EventType.AUTHORIZED, result)


def declined(payment: Payment, operation: PaymentOperation, result: GatewayResult) -> None:
    _end(payment, operation, EventType.FAILED, result)


def accepted(payment: Payment, operation: PaymentOperation, result: GatewayResult) -> None:
    """The provider waits for the customer."""
    if payment.state != PaymentState.REQUIRES_ACTION:
        payments.advance(
            payment,
            EventType.ACTION_REQUIRED,
            amount_minor=operation.amount_minor,
            provider_ref=result.provider_ref,
            object_id=operation.id,
        )


def give_up(payment: Payment, operation: PaymentOperation) -> None:
    """End a locked payment whose authorization has never been submitted: no provider has heard of it."""
    operations.settle(operation, OperationState.CANCELED)
    payments.advance(payment, EventType.CANCELED, amount_minor=operation.amount_minor, object_id=operation.id)


def _end(payment: Payment, operation: PaymentOperation, event_type: EventType, result: GatewayResult) -> None:
    payments.advance(
        payment,
        event_type,
        amount_minor=operation.amount_minor,
        provider_ref=result.provider_ref,
        object_id=operation.id,
    )
