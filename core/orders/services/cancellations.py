"""Cancelling an order: what is held is let go, what was taken is refunded, the stock goes back."""

from uuid import UUID

from django.db import transaction

from core.catalog.services import stock
from core.clock import now
from core.orders.domain.checkout_state import CheckoutState
from core.orders.domain.order_state import FulfilmentStatus
from core.orders.errors import NotCancellable
from core.orders.events import OrderCancelled
from core.orders.locks import lock_order
from core.orders.models import Checkout, Order
from core.orders.selectors.lines import quantities_of
from core.orders.services import checkout_saga, transitions
from core.payments.domain.payment_state import HELD_STATES
from core.payments.errors import OperationInProgress
from core.payments.locks import lock_payments_of
from core.payments.selectors.operations import at_provider
from core.payments.services import refunds, voids

REASON = "the order was cancelled"


@transaction.atomic
def cancel(*, order_id: UUID, user_id: UUID | None = None) -> Order:
    """Cancel an order that has not left (with `user_id` only that user's).

    Voids and refunds at providers follow after the commit. Raises NotCancellable, or OperationInProgress while a
    provider may be holding or taking money: cancelling then would decide in its place. Nothing has changed then.
    """
    order = lock_order(order_id, user_id=user_id)
    status = FulfilmentStatus(order.fulfilment_status)
    if status in (FulfilmentStatus.SHIPPED, FulfilmentStatus.CANCELLED):
        raise NotCancellable(f"Order {order.id} is {status}: it cannot be cancelled.")
    if status == FulfilmentStatus.DRAFT:
        transitions.move(order, to=FulfilmentStatus.CANCELLED, publish=OrderCancelled)
        return order
    _refuse_while_asked(order)
    if status == FulfilmentStatus.PLACED:
        checkout = Checkout.objects.get(order_id=order.id, state=CheckoutState.RUNNING)
        checkout_saga.compensate(order=order, checkout=checkout, ends_as=FulfilmentStatus.CANCELLED)
    else:
        _undo_payments(order)
    return order


def _refuse_while_asked(order: Order) -> None:
    operation = at_provider(order.id).first()
    compensating = Checkout.objects.filter(order_id=order.id, state=CheckoutState.COMPENSATING)
    if operation is not None or compensating.exists():
        raise OperationInProgress("The provider is being asked about this order's money: try again when it is settled.")


def _undo_payments(order: Order) -> None:
    """Of a confirmed order: from here on nothing is captured any more."""
    running = Checkout.objects.filter(order_id=order.id, state=CheckoutState.RUNNING)
    running.update(state=CheckoutState.FAILED, finished_at=now())
    for payment in lock_payments_of(order.id):
        if payment.state in HELD_STATES:
            voids.request(payment, reason=REASON)
        if refunds.refundable_minor(payment):
            refunds.request(payment, amount_minor=None, reason=REASON)
    transitions.move(order, to=FulfilmentStatus.CANCELLED, publish=OrderCancelled)
    stock.give_back(quantities_of(order.id))
