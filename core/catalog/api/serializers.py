"""Shapes of the catalogue on the wire."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from core.api.fields import AmountSerializer, amount
from core.catalog.models import Product


class ProductQuerySerializer(serializers.Serializer[Any]):
    available = serializers.BooleanField(default=False, help_text="only what has a price and is in stock")


class ProductSerializer(serializers.ModelSerializer[Product]):
    price = serializers.SerializerMethodField()

    class Meta:
        model = Product
        fields = ["id", "sku", "name", "price", "stock"]

    @extend_schema_field(AmountSerializer)
    def get_price(self, product: Product) -> dict[str, Any]:
        return amount(product.price_minor, product.currency)
