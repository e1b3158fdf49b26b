"""Products and every movement of their stock."""

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from core.ids import new_id


class Product(models.Model):
    """Something that can be bought: price in minor units, stock in pieces, never below zero."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    # Compared byte by byte: real catalogues hold codes that differ only in case.
    sku = models.CharField(max_length=64, unique=True)
    name = models.CharField(max_length=255)
    price_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    stock = models.BigIntegerField(default=0)
    is_active = models.BooleanField(default=True)
    seq = models.IntegerField(default=0)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints = [
            models.CheckConstraint(name="product_stock_not_negative", condition=Q(stock__gte=0)),
            models.CheckConstraint(name="product_price_not_negative", condition=Q(price_minor__gte=0)),
        ]

    def __str__(self) -> str:
        return self.sku


class StockMovement(models.Model):
    """Why a product's stock changed outside a sale; a reference can move one product's stock only once."""

    class Reason(models.TextChoices):
        OPENING = "opening", "opening stock"
        CORRECTION = "correction", "correction"
        IMPORT = "import", "imported sale, return or write-off"

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    product = models.ForeignKey(Product, on_delete=models.PROTECT, related_name="movements")
    quantity = models.BigIntegerField(help_text="pieces added (positive) or taken (negative)")
    reason = models.CharField(max_length=16, choices=Reason.choices)
    reference = models.CharField(max_length=128)
    occurred_at = models.DateTimeField()
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(F("product"), F("reason"), F("reference"), name="stock_movement_once_per_reference")
        ]
