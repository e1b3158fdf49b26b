"""Shapes of payments on the wire."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from core.api.fields import AmountSerializer, CurrencyField, StrictIntegerField, amount
from core.payments.models import Payment, Wallet


class LedgerStatusSerializer(serializers.Serializer[Any]):
    """Whether Cassandra has acknowledged every event up to now."""

    recorded = serializers.BooleanField()


class PaymentSerializer(serializers.ModelSerializer[Payment]):
    """Pass `recorded` (payment id → recorded seq) in the context."""

    amount = serializers.SerializerMethodField()
    captured = serializers.SerializerMethodField()
    ledger = serializers.SerializerMethodField()

    class Meta:
        model = Payment
        fields = ["id", "order_id", "payment_type", "state", "seq", "amount", "captured", "ledger", "created_at"]

    @extend_schema_field(AmountSerializer)
    def get_amount(self, payment: Payment) -> dict[str, Any]:
        return amount(payment.amount_minor, payment.currency)

    @extend_schema_field(AmountSerializer)
    def get_captured(self, payment: Payment) -> dict[str, Any]:
        return amount(payment.captured_minor, payment.currency)

    @extend_schema_field(LedgerStatusSerializer)
    def get_ledger(self, payment: Payment) -> dict[str, bool]:
        recorded: dict[UUID, int] = self.context["recorded"]
        return {"recorded": recorded.get(payment.id, 0) >= payment.seq}


class WalletSerializer(serializers.ModelSerializer[Wallet]):
    balance = serializers.SerializerMethodField()

    class Meta:
        model = Wallet
        fields = ["id", "balance"]

    @extend_schema_field(AmountSerializer)
    def get_balance(self, wallet: Wallet) -> dict[str, Any]:
        return amount(wallet.balance_minor, wallet.currency)


class DepositSerializer(serializers.Serializer[Any]):
    """Money that a provider already holds for us, to be put into a user's wallet."""

    user_id = serializers.UUIDField()
    amount_minor = StrictIntegerField(min_value=1, max_value=1_000_000_000_000)
    currency = CurrencyField()
