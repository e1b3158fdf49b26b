"""Shapes of payments on the wire."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from core.api.fields import AmountSerializer, CurrencyField, StrictIntegerField, TextField, amount
from core.payments.models import Dispute, Payment, PaymentOperation, Voucher, Wallet

# A single deposit or voucher: ten thousand million units of a currency with cents.
AMOUNT_MINOR_MAX = 1_000_000_000_000


class LedgerStatusSerializer(serializers.Serializer[Any]):
    """Whether Cassandra has acknowledged every event up to now."""

    recorded = serializers.BooleanField()


class PaymentSerializer(serializers.ModelSerializer[Payment]):
    """Pass `recorded` (payment id → recorded seq) in the context."""

    amount = AmountSerializer(read_only=True)
    authorized = AmountSerializer(read_only=True, help_text="held or taken now")
    captured = AmountSerializer(read_only=True)
    refunded = AmountSerializer(read_only=True)
    disputed = AmountSerializer(read_only=True, help_text="in open and in lost disputes")
    ledger = LedgerStatusSerializer(read_only=True)

    class Meta:
        model = Payment
        fields = [
            "id",
            "order_id",
            "payment_type",
            "state",
            "seq",
            "amount",
            "authorized",
            "captured",
            "refunded",
            "disputed",
            "ledger",
            "created_at",
        ]

    def to_representation(self, instance: Payment) -> dict[str, Any]:
        recorded: dict[UUID, int] = self.context["recorded"]
        return payment_document(instance, recorded_seq=recorded.get(instance.id, 0))


def payment_document(payment: Payment, *, recorded_seq: int) -> dict[str, Any]:
    """What PaymentSerializer shows. A checkout shows its payment while it holds locks: this takes a twentieth of the
    time that going through the serializer's fields took."""
    currency = payment.currency
    return {
        "id": payment.id,
        "order_id": payment.order_id,
        "payment_type": payment.payment_type,
        "state": payment.state,
        "seq": payment.seq,
        "amount": amount(payment.amount_minor, currency),
        "authorized": amount(payment.authorized_minor, currency),
        "captured": amount(payment.captured_minor, currency),
        "refunded": amount(payment.refunded_minor, currency),
        "disputed": amount(payment.disputed_minor, currency),
        "ledger": {"recorded": recorded_seq >= payment.seq},
        "created_at": payment.created_at,
    }


class OperationSerializer(serializers.ModelSerializer[PaymentOperation]):
    """A capture, void or refund (or the authorization itself) and how far it is."""

    amount = serializers.SerializerMethodField()

    class Meta:
        model = PaymentOperation
        fields = [
            "id",
            "payment_id",
            "kind",
            "state",
            "amount",
            "reason",
            "is_final",
            "decline_code",
            "created_at",
            "settled_at",
        ]

    @extend_schema_field(AmountSerializer)
    def get_amount(self, operation: PaymentOperation) -> dict[str, Any]:
        return amount(operation.amount_minor, operation.currency)


class AttentionSerializer(OperationSerializer):
    """An operation a person must look at, and why."""

    order_id = serializers.UUIDField(source="payment.order_id", read_only=True)

    class Meta(OperationSerializer.Meta):
        fields = [*OperationSerializer.Meta.fields, "order_id", "attention", "attention_at", "attempts", "queries"]


class ResolutionSerializer(serializers.Serializer[Any]):
    resolution = serializers.CharField(max_length=255, help_text="what was done about it")


class DisputeSerializer(serializers.ModelSerializer[Dispute]):
    amount = serializers.SerializerMethodField()

    class Meta:
        model = Dispute
        fields = ["id", "payment_id", "state", "amount", "reason", "opened_at", "closed_at"]

    @extend_schema_field(AmountSerializer)
    def get_amount(self, dispute: Dispute) -> dict[str, Any]:
        return amount(dispute.amount_minor, dispute.currency)


class EvidenceSerializer(serializers.Serializer[Any]):
    evidence = serializers.CharField(max_length=20_000)


class VoucherRequestSerializer(serializers.Serializer[Any]):
    amount_minor = StrictIntegerField(min_value=1, max_value=AMOUNT_MINOR_MAX)
    currency = CurrencyField()
    expires_at = serializers.DateTimeField(required=False, allow_null=True, default=None)


class VoucherSerializer(serializers.ModelSerializer[Voucher]):
    """`available` is what can be spent: the balance less what payments hold."""

    issued = serializers.SerializerMethodField()
    balance = serializers.SerializerMethodField()
    available = serializers.SerializerMethodField()

    class Meta:
        model = Voucher
        fields = ["id", "code", "issued", "balance", "available", "expires_at", "created_at"]

    @extend_schema_field(AmountSerializer)
    def get_issued(self, voucher: Voucher) -> dict[str, Any]:
        return amount(voucher.issued_minor, voucher.currency)

    @extend_schema_field(AmountSerializer)
    def get_balance(self, voucher: Voucher) -> dict[str, Any]:
        return amount(voucher.balance_minor, voucher.currency)

    @extend_schema_field(AmountSerializer)
    def get_available(self, voucher: Voucher) -> dict[str, Any]:
        return amount(voucher.balance_minor - voucher.held_minor, voucher.currency)


class WalletSerializer(serializers.ModelSerializer[Wallet]):
    """`available` is what can be spent: the balance less what payments hold."""

    balance = serializers.SerializerMethodField()
    available = serializers.SerializerMethodField()

    class Meta:
        model = Wallet
        fields = ["id", "balance", "available"]

    @extend_schema_field(AmountSerializer)
    def get_available(self, wallet: Wallet) -> dict[str, Any]:
        return amount(wallet.balance_minor - wallet.held_minor, wallet.currency)

    @extend_schema_field(AmountSerializer)
    def get_balance(self, wallet: Wallet) -> dict[str, Any]:
        return amount(wallet.balance_minor, wallet.currency)


class WalletRequestSerializer(serializers.Serializer[Any]):
    currency = CurrencyField()


class DepositSerializer(serializers.Serializer[Any]):
    """Money that a provider already holds for us, to be put into a user's wallet."""

    user_id = serializers.UUIDField()
    amount_minor = StrictIntegerField(min_value=1, max_value=AMOUNT_MINOR_MAX)
    currency = CurrencyField()
    provider_ref = TextField(
        max_length=128, required=False, default="", help_text="under which the provider settles it; each is booked once"
    )
