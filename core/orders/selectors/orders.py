"""Orders as their owner sees them, and one order as staff do."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import QuerySet

from core.errors import NotFound
from core.orders.models import Order

ORDERINGS = ("-created_at", "created_at")


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderFilter:
    """Which orders, and in which of ORDERINGS; None leaves a part open. From a moment on, and before another."""

    fulfilment_status: str | None = None
    payment_status: str | None = None
    created_from: datetime | None = None
    created_before: datetime | None = None
    ordering: str = ORDERINGS[0]


def orders_of(user_id: UUID) -> QuerySet[Order]:
    return Order.objects.filter(user_id=user_id)


def orders_matching(user_id: UUID, wanted: OrderFilter) -> QuerySet[Order]:
    """Those of the user's orders, in that order."""
    conditions = {
        "fulfilment_status": wanted.fulfilment_status,
        "payment_status": wanted.payment_status,
        "created_at__gte": wanted.created_from,
        "created_at__lt": wanted.created_before,
    }
    asked = {name: value for name, value in conditions.items() if value is not None}
    return orders_of(user_id).filter(**asked).order_by(wanted.ordering)


def order_of(*, order_id: UUID, user_id: UUID | None) -> Order:
    """The order, with `user_id` only that user's. Raises NotFound, the same for another user's order as for none."""
    orders = Order.objects.all() if user_id is None else orders_of(user_id)
    order = orders.prefetch_related("lines").filter(pk=order_id).first()
    if order is None:
        raise NotFound(f"No order {order_id} is visible to you.")
    return order
