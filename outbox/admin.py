"""Read-only pages: the outbox is operated by `manage.py outbox`, never by editing rows."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from outbox.models import (
    ConsumerOffset,
    ConsumerParked,
    DeadLetter,
    OutboxEvent,
    OutboxLane,
    OutboxParked,
    OutboxRelayInstance,
)


class ReadOnlyAdmin(admin.ModelAdmin):
    list_per_page = 50
    # Counting every row of a table of millions for a page number would scan it.
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(OutboxEvent)
class OutboxEventAdmin(ReadOnlyAdmin):
    list_display = ["id", "type", "agg_key", "agg_seq", "lane", "created_at"]
    search_fields = ["=agg_key"]
    ordering = ["-id"]
    exclude = ["payload"]


@admin.register(OutboxLane)
class OutboxLaneAdmin(ReadOnlyAdmin):
    list_display = ["lane", "snap", "after_id", "window_snap", "owner", "epoch", "updated_at"]
    ordering = ["lane"]


@admin.register(OutboxRelayInstance)
class OutboxRelayInstanceAdmin(ReadOnlyAdmin):
    list_display = ["id", "backend_pid", "heartbeat_at"]


@admin.register(OutboxParked)
class OutboxParkedAdmin(ReadOnlyAdmin):
    list_display = ["agg_key", "first_id", "reason", "since", "unpark_requested_at"]


@admin.register(ConsumerOffset)
class ConsumerOffsetAdmin(ReadOnlyAdmin):
    list_display = ["group_id", "topic", "partition", "next_offset", "updated_at"]
    ordering = ["group_id", "topic", "partition"]


@admin.register(ConsumerParked)
class ConsumerParkedAdmin(ReadOnlyAdmin):
    list_display = ["group_id", "agg_key", "first_seq", "reason", "since", "unpark_requested_at"]


@admin.register(DeadLetter)
class DeadLetterAdmin(ReadOnlyAdmin):
    list_display = ["id", "group_id", "type", "agg_key", "agg_seq", "reason", "created_at", "redriven_at"]
    search_fields = ["=agg_key"]
    ordering = ["-id"]
    exclude = ["payload"]
