"""Shapes of orders on the wire."""

from functools import cached_property
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from core.api.fields import AmountSerializer, StrictIntegerField, amount
from core.orders.models import Order, OrderLine
from core.orders.services.drafts import LINES_MAX, QUANTITY_MAX
from core.payments.api.serializers import LedgerStatusSerializer, PaymentSerializer
from core.payments.selectors.payments import payments_of_order, recorded_seqs


class LineRequestSerializer(serializers.Serializer[Any]):
    product_id = serializers.UUIDField()
    quantity = StrictIntegerField(min_value=1, max_value=QUANTITY_MAX)


class OrderRequestSerializer(serializers.Serializer[Any]):
    lines = serializers.ListField(child=LineRequestSerializer(), allow_empty=False, max_length=LINES_MAX)


class CheckoutSerializer(serializers.Serializer[Any]):
    """How to pay: `{"method": "wallet"}` or `{"method": "card", "token": "tok_…"}`."""

    method = serializers.ChoiceField(choices=["wallet", "card"])
    token = serializers.RegexField(
        r"^tok_[a-z0-9_]{1,60}$",
        required=False,
        help_text="the provider's token of the card; never a card number",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs["method"] == "card" and "token" not in attrs:
            raise serializers.ValidationError({"token": "A card payment needs the provider's token."})
        return attrs


class OrderLineSerializer(serializers.ModelSerializer[OrderLine]):
    class Meta:
        model = OrderLine
        fields = ["position", "product_id", "quantity", "unit_price_minor", "amount_minor"]


class OrderSummarySerializer(serializers.ModelSerializer[Order]):
    total = serializers.SerializerMethodField()

    class Meta:
        model = Order
        fields = ["id", "fulfilment_status", "payment_status", "total", "created_at", "placed_at"]

    @extend_schema_field(AmountSerializer)
    def get_total(self, order: Order) -> dict[str, Any]:
        return amount(order.total_minor, order.currency)


class OrderSerializer(OrderSummarySerializer):
    """An order with its lines and payments. `ledger.recorded`: all of its payments are in Cassandra as they stand."""

    lines = OrderLineSerializer(many=True, read_only=True)
    payments = serializers.SerializerMethodField()
    ledger = serializers.SerializerMethodField()

    class Meta(OrderSummarySerializer.Meta):
        fields = [*OrderSummarySerializer.Meta.fields, "lines", "payments", "ledger"]

    @extend_schema_field(PaymentSerializer(many=True))
    def get_payments(self, order: Order) -> list[dict[str, Any]]:
        return self._payments

    @extend_schema_field(LedgerStatusSerializer)
    def get_ledger(self, order: Order) -> dict[str, bool]:
        return {"recorded": bool(self._payments) and all(p["ledger"]["recorded"] for p in self._payments)}

    @cached_property
    def _payments(self) -> list[dict[str, Any]]:
        """Read once for both fields; this serializer shows one order, never many."""
        assert isinstance(self.instance, Order)
        payments = list(payments_of_order(self.instance.id))
        recorded = recorded_seqs(payment.id for payment in payments)
        return list(PaymentSerializer(payments, many=True, context={"recorded": recorded}).data)
