"""What an order is made of."""

from collections import Counter
from uuid import UUID

from core.orders.models import OrderLine


def quantities_of(order_id: UUID) -> Counter[UUID]:
    """Pieces of each product in an order; a product may stand on several lines."""
    quantities: Counter[UUID] = Counter()
    for product_id, quantity in OrderLine.objects.filter(order_id=order_id).values_list("product_id", "quantity"):
        quantities[product_id] += quantity
    return quantities
