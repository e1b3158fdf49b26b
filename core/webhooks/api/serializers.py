"""Webhooks on the wire."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from core.api.fields import OneOfField, TextField
from core.webhooks.domain.delivery_state import DeliveryState
from core.webhooks.domain.merchant_events import FIELDS
from core.webhooks.models import WebhookAttempt, WebhookDelivery, WebhookEndpoint


class ProviderEventSerializer(serializers.Serializer[Any]):
    """What a provider sends; `data` depends on `type`."""

    id = TextField(max_length=255)
    type = TextField(max_length=64)
    created_at = serializers.DateTimeField()
    data = serializers.DictField()  # type: ignore[assignment]  # REST framework takes fields out of the class


class EventTypesField(serializers.ListField):
    """Types of events merchants may be told of, at least one."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(child=OneOfField(sorted(FIELDS)), min_length=1, max_length=len(FIELDS), **kwargs)


class EndpointRequestSerializer(serializers.Serializer[Any]):
    url = TextField(max_length=2000)
    event_types = EventTypesField()


class EndpointChangeSerializer(serializers.Serializer[Any]):
    """What is to change; what is left out stays."""

    is_enabled = serializers.BooleanField(required=False)
    event_types = EventTypesField(required=False)


class EndpointSerializer(serializers.ModelSerializer[WebhookEndpoint]):
    class Meta:
        model = WebhookEndpoint
        fields = ["id", "url", "event_types", "is_enabled", "created_at"]


class NewEndpointSerializer(EndpointSerializer):
    """With its secret: this answer is the only one that has it."""

    class Meta(EndpointSerializer.Meta):
        fields = [*EndpointSerializer.Meta.fields, "secret"]


class DeliveryQuerySerializer(serializers.Serializer[Any]):
    """Which deliveries; parameters of other names are ignored."""

    state = OneOfField(DeliveryState, required=False)
    endpoint_id = serializers.UUIDField(required=False)


class DeliverySerializer(serializers.ModelSerializer[WebhookDelivery]):
    class Meta:
        model = WebhookDelivery
        fields = [
            "id", "endpoint_id", "event_id", "event_type", "state", "attempts", "next_attempt_at", "created_at",
            "finished_at",
        ]  # fmt: skip


class AttemptSerializer(serializers.ModelSerializer[WebhookAttempt]):
    """`answer` is the first kilobyte of what the endpoint answered, as text."""

    answer = serializers.SerializerMethodField()

    class Meta:
        model = WebhookAttempt
        fields = ["number", "status", "error", "answer", "duration_ms", "finished_at"]

    def get_answer(self, attempt: WebhookAttempt) -> str:
        return bytes(attempt.answer).decode(errors="replace")


class DeliveryWithLogSerializer(DeliverySerializer):
    """With every attempt, oldest first, and the body that is sent."""

    log = serializers.SerializerMethodField()
    body = serializers.SerializerMethodField()

    class Meta(DeliverySerializer.Meta):
        fields = [*DeliverySerializer.Meta.fields, "log", "body"]

    @extend_schema_field(AttemptSerializer(many=True))
    def get_log(self, delivery: WebhookDelivery) -> Any:
        return AttemptSerializer(delivery.log.order_by("number"), many=True).data

    def get_body(self, delivery: WebhookDelivery) -> str:
        return bytes(delivery.body).decode()
