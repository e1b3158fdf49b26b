from django.contrib import admin

from core.admin import ReadOnlyAdmin
from payments_ledger.models import LedgerRepair, SealingRun, Verification


@admin.register(Verification)
class VerificationAdmin(ReadOnlyAdmin):
    list_display = ["finished_at", "verdict", "mode", "first_day", "last_day", "events", "counts", "duration_ms"]
    list_filter = ["verdict", "mode"]


@admin.register(LedgerRepair)
class LedgerRepairAdmin(ReadOnlyAdmin):
    list_display = ["started_at", "finished_at", "who", "why", "rows_written"]


@admin.register(SealingRun)
class SealingRunAdmin(ReadOnlyAdmin):
    list_display = ["finished_at", "through_day", "sealed", "not_yet", "differs", "reason", "duration_ms"]
