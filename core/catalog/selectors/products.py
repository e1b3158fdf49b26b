"""Products as buyers see them."""

from django.db.models import QuerySet

from core.catalog.models import Product


def products_on_sale(*, available_only: bool = False) -> QuerySet[Product]:
    """Products that are offered; with `available_only` those that an order could pay for and get now."""
    products = Product.objects.filter(is_active=True)
    return products.filter(stock__gt=0, price_minor__gt=0) if available_only else products
