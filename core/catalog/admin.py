from django.contrib import admin

from core.admin import ReadOnlyAdmin
from core.catalog.models import Product, StockMovement


@admin.register(Product)
class ProductAdmin(ReadOnlyAdmin):
    list_display = ["sku", "name", "price_minor", "currency", "stock", "is_active"]
    search_fields = ["sku", "name"]


@admin.register(StockMovement)
class StockMovementAdmin(ReadOnlyAdmin):
    list_display = ["product", "quantity", "reason", "reference", "occurred_at"]
    list_filter = ["reason"]
