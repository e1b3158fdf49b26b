from django.contrib import admin

from core.admin import ReadOnlyAdmin
from core.payments.models import (
    ImportBatch,
    LedgerCalendar,
    Payment,
    PaymentEvent,
    PaymentOperation,
    PaymentRecording,
    Wallet,
)


@admin.register(Payment)
class PaymentAdmin(ReadOnlyAdmin):
    list_display = ["id", "order_id", "payment_type", "state", "seq", "amount_minor", "currency", "created_at"]
    list_filter = ["payment_type", "state"]


@admin.register(PaymentOperation)
class PaymentOperationAdmin(ReadOnlyAdmin):
    list_display = ["id", "payment", "kind", "state", "attempts", "queries", "next_attempt_at", "decline_code"]
    list_filter = ["state", "kind"]


@admin.register(PaymentEvent)
class PaymentEventAdmin(ReadOnlyAdmin):
    list_display = ["payment_id", "seq", "event_type", "amount_minor", "currency", "booked_at", "bucket"]
    list_filter = ["payment_type"]


@admin.register(Wallet)
class WalletAdmin(ReadOnlyAdmin):
    list_display = ["user", "currency", "balance_minor"]


admin.site.register([LedgerCalendar, PaymentRecording, ImportBatch], ReadOnlyAdmin)
