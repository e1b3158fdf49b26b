from django.contrib import admin

from core.admin import ReadOnlyAdmin
from core.webhooks.models import ProviderEvent, WebhookAttempt, WebhookDelivery, WebhookEndpoint


@admin.register(ProviderEvent)
class ProviderEventAdmin(ReadOnlyAdmin):
    list_display = ["provider", "event_id", "type", "outcome", "received_at"]
    list_filter = ["outcome", "type"]


@admin.register(WebhookEndpoint)
class WebhookEndpointAdmin(ReadOnlyAdmin):
    list_display = ["id", "url", "is_enabled", "created_at", "deleted_at"]
    # Shown once, when it is made, and never again.
    exclude = ["secret"]


@admin.register(WebhookDelivery)
class WebhookDeliveryAdmin(ReadOnlyAdmin):
    list_display = ["id", "endpoint", "event_type", "state", "attempts", "next_attempt_at", "created_at"]
    list_filter = ["state", "event_type"]


@admin.register(WebhookAttempt)
class WebhookAttemptAdmin(ReadOnlyAdmin):
    list_display = ["delivery", "number", "status", "error", "duration_ms", "finished_at"]
