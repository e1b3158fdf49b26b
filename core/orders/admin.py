from django.contrib import admin

from core.admin import ReadOnlyAdmin
from core.orders.models import Checkout, Order, OrderLine


class OrderLineInline(admin.TabularInline[OrderLine, Order]):
    model = OrderLine
    extra = 0
    can_delete = False


@admin.register(Order)
class OrderAdmin(ReadOnlyAdmin):
    list_display = ["id", "user", "fulfilment_status", "payment_status", "total_minor", "currency", "created_at"]
    list_filter = ["fulfilment_status", "payment_status"]
    inlines = [OrderLineInline]


@admin.register(Checkout)
class CheckoutAdmin(ReadOnlyAdmin):
    list_display = ["order", "state", "step", "capture_method", "deadline_at", "created_at", "finished_at"]
    list_filter = ["state"]
