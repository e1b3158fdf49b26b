"""Shipping: only what is paid, and whose payments are recorded where they can be proved."""

from uuid import UUID

from django.db import transaction

from core.orders.domain.order_state import FulfilmentStatus, PaymentStatus
from core.orders.errors import NotRecordedInLedger, NotShippable
from core.orders.events import OrderShipped
from core.orders.locks import lock_order
from core.orders.models import Order
from core.orders.services import transitions
from core.payments.selectors.payments import payments_of_order, recorded_seqs


@transaction.atomic
def ship(*, order_id: UUID) -> Order:
    """Mark a confirmed order as shipped. Raises NotShippable or NotRecordedInLedger, and then nothing has changed."""
    order = lock_order(order_id)
    if order.fulfilment_status != FulfilmentStatus.CONFIRMED or order.payment_status != PaymentStatus.PAID:
        raise NotShippable(f"Order {order.id} is {order.fulfilment_status} and {order.payment_status}.")
    captured = [payment for payment in payments_of_order(order.id) if payment.captured_minor]
    if any(payment.pending_refund_minor for payment in captured):
        raise NotShippable(f"Order {order.id} is being refunded: wait until that is settled.")
    recorded = recorded_seqs(payment.id for payment in captured)
    missing = [payment.id for payment in captured if recorded.get(payment.id, 0) < payment.captured_seq]
    if missing:
        raise NotRecordedInLedger(
            "Not recorded yet: " + ", ".join(f"payment {payment_id}" for payment_id in missing),
            payment_ids=[str(payment_id) for payment_id in missing],
        )
    transitions.move(order, to=FulfilmentStatus.SHIPPED, publish=OrderShipped)
    return order
