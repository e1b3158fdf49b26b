"""Orders as their owner sees them."""

from uuid import UUID

from django.db.models import QuerySet

from core.errors import NotFound
from core.orders.models import Order


def orders_of(user_id: UUID) -> QuerySet[Order]:
    return Order.objects.filter(user_id=user_id)


def order_of(*, order_id: UUID, user_id: UUID) -> Order:
    """Raises NotFound, the same for another user's order as for none."""
    order = orders_of(user_id).prefetch_related("lines").filter(pk=order_id).first()
    if order is None:
        raise NotFound(f"No order {order_id} is visible to you.")
    return order
