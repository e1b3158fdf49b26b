from django.contrib import admin

from core.admin import ReadOnlyAdmin
from core.orders.models import Order, OrderLine


class OrderLineInline(admin.TabularInline[OrderLine, Order]):
    model = OrderLine
    extra = 0
    can_delete = False


@admin.register(Order)
class OrderAdmin(ReadOnlyAdmin):
    list_display = ["id", "user", "fulfilment_status", "payment_status", "total_minor", "currency", "created_at"]
    list_filter = ["fulfilment_status", "payment_status"]
    inlines = [OrderLineInline]
