"""Products as buyers see them."""

from django.db.models import QuerySet

from core.catalog.models import Product


def products_on_sale() -> QuerySet[Product]:
    return Product.objects.filter(is_active=True)
