"""Row locks of orders. The order comes before its payments, operations and products (architecture.md rule 1)."""

from uuid import UUID

from core.errors import NotFound
from core.orders.models import Order


def lock_order(order_id: UUID, *, user_id: UUID | None = None) -> Order:
    """The order, locked; with `user_id` only that user's, so that another's looks the same as a missing one."""
    orders = Order.objects.select_for_update(no_key=True).filter(pk=order_id)
    if user_id is not None:
        orders = orders.filter(user_id=user_id)
    order = orders.first()
    if order is None:
        raise no_such_order(order_id)
    return order


def no_such_order(order_id: UUID) -> NotFound:
    """The refusal for an order that is not there, or not the user's."""
    return NotFound(f"No order {order_id} is visible to you.")
