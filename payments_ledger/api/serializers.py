"""Shapes of what the ledger has recorded."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from core.api.fields import AmountSerializer, amount
from payments_ledger.selectors.payments import RecordedEvent, RecordedPayment


class RecordedEventSerializer(serializers.Serializer[Any]):
    seq = serializers.IntegerField()
    event_type = serializers.CharField()
    status_after = serializers.CharField()
    amount = serializers.SerializerMethodField()
    occurred_at = serializers.DateTimeField()
    booked_at = serializers.DateTimeField()

    @extend_schema_field(AmountSerializer)
    def get_amount(self, event: RecordedEvent) -> dict[str, Any]:
        return amount(event.amount_minor, event.currency)


class RecordedPaymentSerializer(serializers.Serializer[Any]):
    payment_id = serializers.UUIDField()
    payment_type = serializers.CharField()
    status = serializers.CharField()
    version = serializers.IntegerField()
    authorized = serializers.SerializerMethodField()
    captured = serializers.SerializerMethodField()
    refunded = serializers.SerializerMethodField()
    events = RecordedEventSerializer(many=True)

    @extend_schema_field(AmountSerializer)
    def get_authorized(self, payment: RecordedPayment) -> dict[str, Any]:
        return amount(payment.authorized_minor, payment.currency)

    @extend_schema_field(AmountSerializer)
    def get_captured(self, payment: RecordedPayment) -> dict[str, Any]:
        return amount(payment.captured_minor, payment.currency)

    @extend_schema_field(AmountSerializer)
    def get_refunded(self, payment: RecordedPayment) -> dict[str, Any]:
        return amount(payment.refunded_minor, payment.currency)
