"""Products as staff and seeds write them."""

from django.db import transaction

from core.catalog.models import Product, StockMovement
from core.clock import now
from core.money import Money


@transaction.atomic
def add_product(*, sku: str, name: str, price: Money, opening_stock: int) -> Product:
    """A new product with its opening stock as a movement. Idempotent by sku: a known one is returned unchanged."""
    product, created = Product.objects.get_or_create(
        sku=sku,
        defaults={
            "name": name,
            "price_minor": price.amount_minor,
            "currency": price.currency,
            "stock": opening_stock,
        },
    )
    if created and opening_stock:
        StockMovement.objects.create(
            product=product,
            quantity=opening_stock,
            reason=StockMovement.Reason.OPENING,
            reference=sku,
            occurred_at=now(),
        )
    return product
