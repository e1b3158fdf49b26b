"""What a merchant does with the payments of an order: capture, void, refund. Each its own transaction."""

from collections.abc import Callable
from uuid import UUID

from django.db import transaction

from core.orders.locks import lock_order
from core.orders.services import checkout_saga
from core.payments.locks import lock_payment
from core.payments.models import Payment, PaymentOperation
from core.payments.selectors.payments import payment_by_id
from core.payments.services import captures, refunds, voids


def capture(*, payment_id: UUID, amount_minor: int | None, is_final: bool) -> PaymentOperation:
    """Take `amount_minor` of what a payment holds; None takes all that is left. See captures.request."""
    return _act(payment_id, lambda payment: captures.request(payment, amount_minor=amount_minor, is_final=is_final))


def void(*, payment_id: UUID, reason: str) -> PaymentOperation:
    """Let go of what a payment holds and has not taken. See voids.request."""
    return _act(payment_id, lambda payment: voids.request(payment, reason=reason))


def refund(*, payment_id: UUID, amount_minor: int | None, reason: str) -> PaymentOperation:
    """Give back `amount_minor` of what a payment took; None gives back all that can be. See refunds.request."""
    return _act(payment_id, lambda payment: refunds.request(payment, amount_minor=amount_minor, reason=reason))


@transaction.atomic
def _act(payment_id: UUID, request: Callable[[Payment], PaymentOperation]) -> PaymentOperation:
    """Run `request` under the locks of order and payment, and let the order follow. Raises NotFound."""
    order = lock_order(payment_by_id(payment_id).order_id)
    operation = request(lock_payment(payment_id))
    checkout_saga.advance(order)
    return operation
