from django.contrib import admin

from core.admin import ReadOnlyAdmin
from core.webhooks.models import ProviderEvent


@admin.register(ProviderEvent)
class ProviderEventAdmin(ReadOnlyAdmin):
    list_display = ["provider", "event_id", "type", "outcome", "received_at"]
    list_filter = ["outcome", "type"]
