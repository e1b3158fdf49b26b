"""What a merchant does with the payments of an order: capture, void, refund. Each its own transaction."""

from collections.abc import Callable
from uuid import UUID

from django.db import transaction

from core.orders.domain.checkout_state import CheckoutState
from core.orders.domain.order_state import FulfilmentStatus
from core.orders.errors import NotCapturable
from core.orders.locks import lock_order
from core.orders.models import Checkout, Order
from core.orders.services import checkout_saga
from core.payments.errors import OperationInProgress
from core.payments.locks import lock_payment
from core.payments.models import Payment, PaymentOperation
from core.payments.selectors.payments import payment_by_id
from core.payments.services import captures, refunds, voids


def capture(*, payment_id: UUID, amount_minor: int | None, is_final: bool) -> PaymentOperation:
    """Take `amount_minor` of what a payment holds; None takes all that is left. See captures.request.

    Raises NotCapturable before the checkout's pivot, where a compensation could no longer let the money go, and once
    the order is cancelled.
    """

    def request(order: Order, payment: Payment) -> PaymentOperation:
        if order.fulfilment_status not in (FulfilmentStatus.CONFIRMED, FulfilmentStatus.SHIPPED):
            raise NotCapturable(f"Order {order.id} is {order.fulfilment_status}: its payments cannot be captured.")
        return captures.request(payment, amount_minor=amount_minor, is_final=is_final)

    return _act(payment_id, request)


def void(*, payment_id: UUID, reason: str) -> PaymentOperation:
    """Let go of what a payment holds and has not taken. See voids.request.

    Raises OperationInProgress while a checkout still counts on what is held.
    """

    def request(order: Order, payment: Payment) -> PaymentOperation:
        _refuse_while_counted_on(order)
        return voids.request(payment, reason=reason)

    return _act(payment_id, request)


def refund(*, payment_id: UUID, amount_minor: int | None, reason: str) -> PaymentOperation:
    """Give back `amount_minor` of what a payment took; None gives back all that can be. See refunds.request."""
    return _act(payment_id, lambda _, payment: refunds.request(payment, amount_minor=amount_minor, reason=reason))


@transaction.atomic
def _act(payment_id: UUID, request: Callable[[Order, Payment], PaymentOperation]) -> PaymentOperation:
    """Run `request` under the locks of order and payment, and let the order follow. Raises NotFound."""
    order = lock_order(payment_by_id(payment_id).order_id)
    operation = request(order, lock_payment(payment_id))
    checkout_saga.advance(order)
    return operation


def _refuse_while_counted_on(order: Order) -> None:
    """A checkout before its pivot: letting one instrument go would confirm an order that is not paid for."""
    is_placed = order.fulfilment_status == FulfilmentStatus.PLACED
    if is_placed and Checkout.objects.filter(order_id=order.id, state=CheckoutState.RUNNING).exists():
        raise OperationInProgress(
            f"Order {order.id} is waiting for its other payments: cancel the order, or wait until it is confirmed."
        )
