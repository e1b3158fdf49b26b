from django.contrib import admin

from core.admin import ReadOnlyAdmin
from core.payments.models import (
    Dispute,
    ImportBatch,
    LedgerCalendar,
    Payment,
    PaymentEvent,
    PaymentOperation,
    PaymentRecording,
    SealedDay,
    Voucher,
    Wallet,
)


@admin.register(Payment)
class PaymentAdmin(ReadOnlyAdmin):
    list_display = ["id", "order_id", "payment_type", "state", "seq", "amount_minor", "currency", "created_at"]
    list_filter = ["payment_type", "state"]


@admin.register(PaymentOperation)
class PaymentOperationAdmin(ReadOnlyAdmin):
    list_display = ["id", "payment", "kind", "state", "attempts", "queries", "next_attempt_at", "attention"]
    list_filter = ["state", "kind", "attention"]


@admin.register(Dispute)
class DisputeAdmin(ReadOnlyAdmin):
    list_display = ["provider_dispute_id", "payment", "state", "amount_minor", "currency", "opened_at"]
    list_filter = ["state"]


@admin.register(PaymentEvent)
class PaymentEventAdmin(ReadOnlyAdmin):
    list_display = ["payment_id", "seq", "event_type", "amount_minor", "currency", "booked_at", "bucket"]
    list_filter = ["payment_type"]


@admin.register(SealedDay)
class SealedDayAdmin(ReadOnlyAdmin):
    list_display = ["booking_day", "seal_no", "sealed_at"]


@admin.register(Wallet)
class WalletAdmin(ReadOnlyAdmin):
    list_display = ["user", "currency", "balance_minor", "held_minor"]


@admin.register(Voucher)
class VoucherAdmin(ReadOnlyAdmin):
    # The code is money to whoever reads it, so it is not shown.
    list_display = ["id", "currency", "issued_minor", "balance_minor", "held_minor", "expires_at"]
    exclude = ["code"]


admin.site.register([LedgerCalendar, PaymentRecording, ImportBatch], ReadOnlyAdmin)
