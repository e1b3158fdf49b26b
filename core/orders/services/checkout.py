"""Checkout: from a draft to money, in one transaction for a wallet and through the saga for anything else."""

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction

from core.catalog.services import stock
from core.clock import now
from core.money import Money
from core.orders.domain.checkout_state import CaptureMethod
from core.orders.domain.order_state import FulfilmentStatus
from core.orders.errors import EmptyOrder, OutOfStock
from core.orders.events import OrderPaid
from core.orders.models import Checkout, Order
from core.orders.selectors.lines import quantities_of
from core.orders.services import checkout_saga, transitions
from core.orders.services.drafts import lock_draft
from core.orders.services.instruments import Instrument, arranged
from core.payments.domain.payment_state import PaymentType
from core.payments.services import wallets


@transaction.atomic
def pay_by_wallet(*, order_id: UUID, user_id: UUID) -> Order:
    """Debit the wallet, capture, confirm the order and take the stock: all or nothing.

    Raises OrderNotDraft, EmptyOrder, InsufficientFunds, NoWallet or OutOfStock, and then nothing has changed.
    """
    order, quantities = _lock_draft(order_id, user_id)
    wallets.pay(user_id=user_id, order_id=order.id, amount=Money(order.total_minor, order.currency))
    transitions.move(order, to=FulfilmentStatus.CONFIRMED, publish=OrderPaid)
    missing = stock.take(quantities)
    if missing:
        raise OutOfStock(
            "Not enough stock of: " + ", ".join(str(product) for product in missing),
            product_ids=[str(product) for product in missing],
        )
    return order


def pay_by_card(*, order_id: UUID, user_id: UUID, token: str) -> Order:
    """Pay the whole order with one card; see begin."""
    return begin(order_id=order_id, user_id=user_id, instruments=[Instrument(PaymentType.CARD, 0, token=token)])


@transaction.atomic
def begin(
    *,
    order_id: UUID,
    user_id: UUID,
    instruments: Sequence[Instrument],
    capture_method: CaptureMethod = CaptureMethod.AUTOMATIC,
) -> Order:
    """Begin the checkout saga of a draft order: reserve the stock, hold what is ours, ask providers for the rest.

    A single instrument of amount 0 pays the whole order. The order is `placed` until every instrument is authorized.
    Raises OrderNotDraft, EmptyOrder, InstrumentsMismatch, OutOfStock, InsufficientFunds, NoWallet, VoucherUnusable or
    VoucherInsufficient, and then nothing has changed.
    """
    order, _ = _lock_draft(order_id, user_id)
    if len(instruments) == 1 and not instruments[0].amount_minor:
        (only,) = instruments
        instruments = [Instrument(only.method, order.total_minor, token=only.token, code=only.code)]
    checkout = Checkout.objects.create(
        order=order,
        capture_method=capture_method,
        deadline_at=now() + timedelta(seconds=settings.CHECKOUT_DEADLINE_SECONDS),
    )
    checkout_saga.start(
        order=order, checkout=checkout, instruments=arranged(instruments, total_minor=order.total_minor)
    )
    return order


def _lock_draft(order_id: UUID, user_id: UUID) -> tuple[Order, Counter[UUID]]:
    order = lock_draft(order_id=order_id, user_id=user_id)
    quantities = quantities_of(order.id)
    if not quantities or order.total_minor <= 0:
        raise EmptyOrder("There is nothing to pay: add lines with a price first.")
    return order, quantities
