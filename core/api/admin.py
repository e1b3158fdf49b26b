from django.contrib import admin

from core.admin import ReadOnlyAdmin
from core.api.models import IdempotencyRecord


@admin.register(IdempotencyRecord)
class IdempotencyRecordAdmin(ReadOnlyAdmin):
    list_display = ["user_id", "key", "status", "location", "created_at"]
