"""Moves a locked order and publishes that it moved."""

from collections.abc import Iterable
from datetime import datetime

from core.clock import now
from core.db import wakeups
from core.errors import Conflict
from core.orders.domain.order_state import (
    FULFILMENT_TRANSITIONS,
    FulfilmentStatus,
    PaymentStatus,
    PaymentTotals,
    fold_committed_minor,
    fold_payment_status,
)
from core.orders.events import ORDER, PAYMENT_STATUS_EVENTS, OrderFact, OrderPaymentStatusChanged
from core.orders.models import Order
from core.payments.domain.payment_state import PENDING_STATES, PaymentState
from core.payments.models import Payment
from outbox.publishing import emit

# What moving an order changes.
CHANGED_FIELDS = ["fulfilment_status", "committed_minor", "payment_status", "seq", "placed_at"]


def move(order: Order, *, to: FulfilmentStatus, publish: type[OrderFact]) -> None:
    """Move the order to `to`, fold its payments anew and emit one event.

    In the caller's transaction, which holds the order's row lock. Raises Conflict when the state table forbids it.
    """
    enter(order, to=to, payments=Payment.objects.filter(order_id=order.id))
    _save(order, publish)


def enter(order: Order, *, to: FulfilmentStatus, payments: Iterable[Payment]) -> None:
    """Move the order in memory: its next state and seq, and what is folded from `payments`, all of the order's.

    Nothing is written: see CHANGED_FIELDS and event_of. Raises Conflict when the state table forbids it.
    """
    before = FulfilmentStatus(order.fulfilment_status)
    if to not in FULFILMENT_TRANSITIONS[before]:
        raise Conflict(f"An order that is {before} cannot become {to}.")
    order.fulfilment_status = to
    if to in (FulfilmentStatus.PLACED, FulfilmentStatus.CONFIRMED) and order.placed_at is None:
        order.placed_at = now()
    _fold(order, payments)
    order.seq += 1


def refold(order: Order) -> None:
    """Fold the order's payments anew; when that changes its payment status, emit one event.

    In the caller's transaction, which holds the order's row lock.
    """
    before = order.payment_status, order.committed_minor
    _fold(order, Payment.objects.filter(order_id=order.id))
    if order.payment_status != before[0]:
        order.seq += 1
        _save(order, PAYMENT_STATUS_EVENTS.get(PaymentStatus(order.payment_status), OrderPaymentStatusChanged))
    elif order.committed_minor != before[1]:
        order.save(update_fields=["committed_minor"])


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


def _fold(order: Order, payments: Iterable[Payment]) -> None:
    totals = [totals_of(payment) for payment in payments]
    was_pending = order.payment_status == PaymentStatus.PENDING
    order.payment_status = fold_payment_status(order.total_minor, totals)
    order.committed_minor = fold_committed_minor(totals)
    if was_pending and order.payment_status != PaymentStatus.PENDING:
        wakeups.ring_after_commit(order.id)


def _save(order: Order, publish: type[OrderFact]) -> None:
    order.save(update_fields=CHANGED_FIELDS)
    emit(ORDER, str(order.id), order.seq, event_of(order, publish, occurred_at=now()))


def totals_of(payment: Payment) -> PaymentTotals:
    """What a payment contributes to its order. Undecided, it may still come to hold its whole amount."""
    is_undecided = payment.state in PENDING_STATES
    return PaymentTotals(
        is_pending=is_undecided or payment.pending_capture_minor > 0,
        is_failed=payment.state == PaymentState.FAILED,
        committed_minor=payment.amount_minor if is_undecided else payment.authorized_minor,
        authorized_minor=payment.authorized_minor,
        captured_minor=payment.captured_minor,
        refunded_minor=payment.refunded_minor,
    )
