"""Moves a locked order and publishes that it moved."""

from datetime import datetime

from core.clock import now
from core.errors import Conflict
from core.orders.domain.order_state import (
    FULFILMENT_TRANSITIONS,
    FulfilmentStatus,
    PaymentTotals,
    fold_payment_status,
)
from core.orders.events import ORDER, OrderFact
from core.orders.models import Order
from core.payments.domain.payment_state import FINAL_STATES, PENDING_STATES
from core.payments.models import Payment
from outbox.publishing import emit


def move(order: Order, *, to: FulfilmentStatus, committed_minor: int, publish: type[OrderFact]) -> None:
    """Move the order to `to`, fold its payment status anew and emit one event.

    In the caller's transaction, which holds the order's row lock. Raises Conflict when the state table forbids it.
    """
    before = FulfilmentStatus(order.fulfilment_status)
    if to not in FULFILMENT_TRANSITIONS[before]:
        raise Conflict(f"An order that is {before} cannot become {to}.")
    order.fulfilment_status = to
    order.committed_minor = committed_minor
    order.payment_status = fold_payment_status(order.total_minor, _totals_of(order))
    order.seq += 1
    if to in (FulfilmentStatus.PLACED, FulfilmentStatus.CONFIRMED) and order.placed_at is None:
        order.placed_at = now()
    order.save(update_fields=["fulfilment_status", "committed_minor", "payment_status", "seq", "placed_at"])
    emit(ORDER, str(order.id), order.seq, event_of(order, publish, occurred_at=now()))


def event_of(order: Order, event_class: type[OrderFact], *, occurred_at: datetime) -> OrderFact:
    """The event that tells how the order stands, under its current seq."""
    return event_class(
        order_id=order.id,
        seq=order.seq,
        user_id=order.user_id,
        currency=order.currency,
        total_minor=order.total_minor,
        fulfilment_status=str(order.fulfilment_status),
        payment_status=str(order.payment_status),
        occurred_at=occurred_at,
    )


def _totals_of(order: Order) -> list[PaymentTotals]:
    return [
        PaymentTotals(
            is_pending=payment.state in PENDING_STATES,
            is_final=payment.state in FINAL_STATES,
            authorized_minor=payment.authorized_minor,
            captured_minor=payment.captured_minor,
            refunded_minor=payment.refunded_minor,
        )
        for payment in Payment.objects.filter(order_id=order.id)
    ]
