"""Checkout: from a draft to money, in one transaction for a wallet and as a saga's first step for a card."""

from collections import Counter
from uuid import UUID

from django.conf import settings
from django.db import transaction

from core.catalog.services import stock
from core.money import Money
from core.orders.domain.order_state import FulfilmentStatus
from core.orders.errors import EmptyOrder, OrderNotDraft, OutOfStock
from core.orders.events import OrderPaid, OrderPlaced
from core.orders.locks import lock_order
from core.orders.models import Order, OrderLine
from core.orders.services import transitions
from core.payments.domain.payment_state import EventType, OperationKind, PaymentType
from core.payments.services import operations, payments, wallets


@transaction.atomic
def pay_by_wallet(*, order_id: UUID, user_id: UUID) -> Order:
    """Debit the wallet, capture, confirm the order and take the stock: all or nothing.

    Raises OrderNotDraft, EmptyOrder, InsufficientFunds, NoWallet or OutOfStock, and then nothing has changed.
    """
    order, quantities = _lock_draft(order_id, user_id)
    wallets.pay(user_id=user_id, order_id=order.id, amount=Money(order.total_minor, order.currency))
    transitions.move(order, to=FulfilmentStatus.CONFIRMED, committed_minor=order.total_minor, publish=OrderPaid)
    _take_stock(quantities)
    return order


@transaction.atomic
def pay_by_card(*, order_id: UUID, user_id: UUID, token: str) -> Order:
    """Reserve the stock and request the charge; the gateway role submits it after the commit.

    The order is `placed` and its payment `processing` until the provider's answer is recorded.
    Raises OrderNotDraft, EmptyOrder or OutOfStock, and then nothing has changed.
    """
    order, quantities = _lock_draft(order_id, user_id)
    payment = payments.begin(
        event_type=EventType.CREATED,
        payment_type=PaymentType.CARD,
        order_id=order.id,
        user_id=user_id,
        amount=Money(order.total_minor, order.currency),
        provider=settings.CARD_GATEWAY,
    )
    operations.request(payment=payment, kind=OperationKind.CHARGE, token=token)
    transitions.move(order, to=FulfilmentStatus.PLACED, committed_minor=order.total_minor, publish=OrderPlaced)
    _take_stock(quantities)
    return order


def quantities_of(order_id: UUID) -> Counter[UUID]:
    """Pieces of each product in an order; a product may stand on several lines."""
    quantities: Counter[UUID] = Counter()
    for product_id, quantity in OrderLine.objects.filter(order_id=order_id).values_list("product_id", "quantity"):
        quantities[product_id] += quantity
    return quantities


def _lock_draft(order_id: UUID, user_id: UUID) -> tuple[Order, Counter[UUID]]:
    order = lock_order(order_id, user_id=user_id)
    if order.fulfilment_status != FulfilmentStatus.DRAFT:
        raise OrderNotDraft(
            f"Order {order.id} is {order.fulfilment_status} and {order.payment_status}: read it, do not pay again.",
            fulfilment_status=str(order.fulfilment_status),
            payment_status=str(order.payment_status),
        )
    quantities = quantities_of(order.id)
    if not quantities or order.total_minor <= 0:
        raise EmptyOrder("There is nothing to pay: add lines with a price first.")
    return order, quantities


def _take_stock(quantities: Counter[UUID]) -> None:
    missing = stock.take(quantities)
    if missing:
        raise OutOfStock(
            "Not enough stock of: " + ", ".join(str(product) for product in missing),
            product_ids=[str(product) for product in missing],
        )
