"""Draft orders: made with their lines at the catalogue's prices, never the caller's."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db import transaction

from core.catalog.models import Product
from core.orders.errors import AmountTooLarge, ProductUnavailable
from core.orders.models import Order, OrderLine

LINES_MAX = 100
QUANTITY_MAX = 100_000
# Well inside bigint, and inside what a JSON reader keeps exact (2**53 - 1).
TOTAL_MINOR_MAX = 9_000_000_000_000_000


@dataclass(frozen=True, slots=True)
class LineRequest:
    product_id: UUID
    quantity: int


@transaction.atomic
def create_draft(*, user_id: UUID, lines: Sequence[LineRequest]) -> Order:
    """A draft order of these lines, in the one currency they share. Takes no stock and no money."""
    products = Product.objects.in_bulk([line.product_id for line in lines])
    for line in lines:
        product = products.get(line.product_id)
        if product is None or not product.is_active:
            raise ProductUnavailable(f"Product {line.product_id} is not sold here.", product_id=str(line.product_id))
    currencies = {product.currency for product in products.values()}
    if len(currencies) > 1:
        raise ProductUnavailable(f"One order has one currency; these products are in {', '.join(sorted(currencies))}.")
    total = sum(products[line.product_id].price_minor * line.quantity for line in lines)
    if total > TOTAL_MINOR_MAX:
        raise AmountTooLarge(f"The total of {total} minor units is over {TOTAL_MINOR_MAX}: split the order.")
    order = Order.objects.create(user_id=user_id, currency=currencies.pop(), total_minor=total)
    OrderLine.objects.bulk_create(
        OrderLine(
            order=order,
            product_id=line.product_id,
            position=position,
            quantity=line.quantity,
            unit_price_minor=products[line.product_id].price_minor,
            amount_minor=products[line.product_id].price_minor * line.quantity,
        )
        for position, line in enumerate(lines, start=1)
    )
    return order
