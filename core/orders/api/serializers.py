"""Shapes of orders on the wire."""

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from rest_framework import serializers

from core.api.fields import AmountSerializer, OneOfField, StrictIntegerField, amount
from core.orders.domain.checkout_state import CaptureMethod
from core.orders.domain.order_state import FulfilmentStatus, PaymentStatus
from core.orders.models import Order, OrderLine
from core.orders.selectors.orders import ORDERINGS
from core.orders.services.drafts import LINES_MAX, QUANTITY_MAX, TOTAL_MINOR_MAX
from core.orders.services.instruments import Instrument
from core.payments.api.serializers import LedgerStatusSerializer, PaymentSerializer, payment_document
from core.payments.domain.payment_state import PROVIDER_TYPES, STORED_VALUE_TYPES, PaymentType
from core.payments.models import Payment
from core.payments.selectors.payments import payments_of_order, recorded_seqs

INSTRUMENTS_MAX = 10
INSTRUMENT_TYPES = sorted(STORED_VALUE_TYPES | PROVIDER_TYPES)
# Field of a request → the methods that need it.
NEEDED_BY = {"token": PROVIDER_TYPES, "code": {PaymentType.VOUCHER}}


class OrderQuerySerializer(serializers.Serializer[Any]):
    """Which of my orders; parameters of other names are ignored."""

    fulfilment_status = OneOfField(FulfilmentStatus, required=False)
    payment_status = OneOfField(PaymentStatus, required=False)
    created_from = serializers.DateTimeField(required=False, help_text="orders made at this moment or later")
    created_before = serializers.DateTimeField(required=False, help_text="orders made before this moment")
    ordering = OneOfField(ORDERINGS, default=ORDERINGS[0])


class LineRequestSerializer(serializers.Serializer[Any]):
    product_id = serializers.UUIDField()
    quantity = StrictIntegerField(min_value=1, max_value=QUANTITY_MAX)


class QuantitySerializer(serializers.Serializer[Any]):
    quantity = StrictIntegerField(min_value=1, max_value=QUANTITY_MAX)


class OrderRequestSerializer(serializers.Serializer[Any]):
    lines = serializers.ListField(child=LineRequestSerializer(), allow_empty=False, max_length=LINES_MAX)


class CheckoutSerializer(serializers.Serializer[Any]):
    """One instrument for the whole order: `{"method": "wallet"}` or `{"method": "card", "token": "tok_…"}`."""

    method = serializers.ChoiceField(choices=[str(method) for method in INSTRUMENT_TYPES])
    token = serializers.RegexField(
        r"^tok_[a-z0-9_]{1,60}$",
        required=False,
        help_text="of a card or slip: the provider's token; never a card number",
    )
    code = serializers.CharField(max_length=32, required=False, help_text="of a voucher")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        for field, methods in NEEDED_BY.items():
            if attrs["method"] in methods and field not in attrs:
                raise serializers.ValidationError({field: f"A {attrs['method']} payment needs a {field}."})
        return attrs

    @staticmethod
    def instrument(attrs: dict[str, Any], *, amount_minor: int = 0) -> Instrument:
        """What was asked for; amount 0 stands for the whole order."""
        return Instrument(
            PaymentType(attrs["method"]), amount_minor, token=attrs.get("token", ""), code=attrs.get("code", "")
        )


class InstrumentSerializer(CheckoutSerializer):
    """A part of the order's total and where it comes from."""

    amount_minor = StrictIntegerField(min_value=1, max_value=TOTAL_MINOR_MAX)


class PaymentsRequestSerializer(serializers.Serializer[Any]):
    """Several instruments that add up to the order's total."""

    instruments = serializers.ListField(child=InstrumentSerializer(), allow_empty=False, max_length=INSTRUMENTS_MAX)
    capture_method = serializers.ChoiceField(
        choices=[str(method) for method in CaptureMethod], default=str(CaptureMethod.AUTOMATIC)
    )


class CaptureRequestSerializer(serializers.Serializer[Any]):
    amount_minor = StrictIntegerField(
        min_value=1, max_value=TOTAL_MINOR_MAX, required=False, help_text="absent: all that is held"
    )
    is_final = serializers.BooleanField(default=False, help_text="let the rest go afterwards")


class ReasonSerializer(serializers.Serializer[Any]):
    reason = serializers.CharField(max_length=255, required=False, default="")


class RefundRequestSerializer(ReasonSerializer):
    amount_minor = StrictIntegerField(
        min_value=1, max_value=TOTAL_MINOR_MAX, required=False, help_text="absent: all that can be refunded"
    )


class OrderLineSerializer(serializers.ModelSerializer[OrderLine]):
    class Meta:
        model = OrderLine
        fields = ["id", "position", "product_id", "quantity", "unit_price_minor", "amount_minor"]


class OrderSummarySerializer(serializers.ModelSerializer[Order]):
    total = AmountSerializer(read_only=True)

    class Meta:
        model = Order
        fields = ["id", "fulfilment_status", "payment_status", "total", "created_at", "placed_at"]

    def to_representation(self, instance: Order) -> dict[str, Any]:
        return order_summary(instance)


class OrderSerializer(OrderSummarySerializer):
    """An order with its lines and payments. `ledger.recorded`: all of its payments are in Cassandra as they stand."""

    lines = OrderLineSerializer(many=True, read_only=True)
    payments = PaymentSerializer(many=True, read_only=True)
    ledger = LedgerStatusSerializer(read_only=True)

    class Meta(OrderSummarySerializer.Meta):
        fields = [*OrderSummarySerializer.Meta.fields, "lines", "payments", "ledger"]

    def to_representation(self, instance: Order) -> dict[str, Any]:
        payments = list(payments_of_order(instance.id))
        return order_document(instance, instance.lines.all(), payments, recorded_seqs(p.id for p in payments))


def order_summary(order: Order) -> dict[str, Any]:
    """What OrderSummarySerializer shows."""
    return {
        "id": order.id,
        "fulfilment_status": order.fulfilment_status,
        "payment_status": order.payment_status,
        "total": amount(order.total_minor, order.currency),
        "created_at": order.created_at,
        "placed_at": order.placed_at,
    }


def order_document(
    order: Order, lines: Iterable[OrderLine], payments: Sequence[Payment], recorded: dict[UUID, int]
) -> dict[str, Any]:
    """What OrderSerializer shows, of rows at hand; `recorded` maps payment id to recorded seq."""
    shown = [payment_document(row, recorded_seq=recorded.get(row.id, 0)) for row in payments]
    return {
        **order_summary(order),
        "lines": [line_document(line) for line in lines],
        "payments": shown,
        "ledger": {"recorded": bool(shown) and all(row["ledger"]["recorded"] for row in shown)},
    }


def line_document(line: OrderLine) -> dict[str, Any]:
    """What OrderLineSerializer shows."""
    return {
        "id": line.id,
        "position": line.position,
        "product_id": line.product_id,
        "quantity": line.quantity,
        "unit_price_minor": line.unit_price_minor,
        "amount_minor": line.amount_minor,
    }
