"""Shapes of what the ledger has recorded."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from core.api.fields import AmountSerializer, amount
from payments_ledger.folding import RecordedEvent
from payments_ledger.selectors.my_payments import ListedPayment
from payments_ledger.selectors.one_payment import PaymentRecord
from payments_ledger.selectors.payments import RecordedPayment


class PostingSerializer(serializers.Serializer[Any]):
    """Debits positive, credits negative."""

    account = serializers.CharField()
    amount = AmountSerializer()


class RecordedEventSerializer(serializers.Serializer[Any]):
    """Pass `is_staff` in the context: postings are for staff, and null for others."""

    seq = serializers.IntegerField()
    event_type = serializers.CharField(allow_null=True)
    status_after = serializers.CharField(allow_null=True)
    amount = serializers.SerializerMethodField()
    object_id = serializers.UUIDField(allow_null=True, help_text="the operation, dispute or voucher it is about")
    occurred_at = serializers.DateTimeField(allow_null=True)
    booked_at = serializers.DateTimeField(allow_null=True)
    postings = serializers.SerializerMethodField(help_text="for staff; null for others")

    @extend_schema_field(AmountSerializer)
    def get_amount(self, event: RecordedEvent) -> dict[str, Any]:
        return amount(event.amount_minor or 0, event.currency or "")

    @extend_schema_field(PostingSerializer(many=True, allow_null=True))
    def get_postings(self, event: RecordedEvent) -> list[dict[str, Any]] | None:
        if not self.context["is_staff"]:
            return None
        return [
            {"account": account, "amount": amount(posted, event.currency or "")}
            for account, posted in sorted(event.postings.items())
        ]


class RecordedPaymentSerializer(serializers.Serializer[Any]):
    """A payment folded from its events."""

    payment_id = serializers.UUIDField()
    payment_type = serializers.CharField(allow_null=True)
    status = serializers.CharField(allow_null=True)
    version = serializers.IntegerField(help_text="sequence number of the last event")
    authorized = serializers.SerializerMethodField()
    captured = serializers.SerializerMethodField()
    refunded = serializers.SerializerMethodField()
    disputed = serializers.SerializerMethodField(help_text="in open and in lost disputes")
    events = RecordedEventSerializer(many=True)

    @extend_schema_field(AmountSerializer)
    def get_authorized(self, payment: RecordedPayment) -> dict[str, Any]:
        return amount(payment.authorized_minor, payment.currency or "")

    @extend_schema_field(AmountSerializer)
    def get_captured(self, payment: RecordedPayment) -> dict[str, Any]:
        return amount(payment.captured_minor, payment.currency or "")

    @extend_schema_field(AmountSerializer)
    def get_refunded(self, payment: RecordedPayment) -> dict[str, Any]:
        return amount(payment.refunded_minor, payment.currency or "")

    @extend_schema_field(AmountSerializer)
    def get_disputed(self, payment: RecordedPayment) -> dict[str, Any]:
        return amount(payment.disputed_minor, payment.currency or "")


class PaymentRecordSerializer(serializers.Serializer[Any]):
    """Pass `is_staff` in the context: which store differs in what is told to staff only."""

    payment_id = serializers.UUIDField()
    order_id = serializers.UUIDField()
    payment = RecordedPaymentSerializer(allow_null=True, help_text="null while nothing of it is recorded")
    updated_at = serializers.DateTimeField(allow_null=True)
    is_current = serializers.BooleanField(help_text="the newest event is recorded")
    state_agrees = serializers.SerializerMethodField(
        help_text="the fold of the events, the latest state in the ledger and PostgreSQL's row say the same"
    )
    differences = serializers.SerializerMethodField(help_text="in sentences, for staff; empty for others")
    provider = serializers.SerializerMethodField(help_text="for staff; empty for others")
    provider_ref = serializers.SerializerMethodField(help_text="for staff; empty for others")

    def get_state_agrees(self, record: PaymentRecord) -> bool:
        return not record.differences

    def get_differences(self, record: PaymentRecord) -> list[str]:
        return list(record.differences) if self.context["is_staff"] else []

    def get_provider(self, record: PaymentRecord) -> str:
        return record.provider if self.context["is_staff"] else ""

    def get_provider_ref(self, record: PaymentRecord) -> str:
        return record.provider_ref if self.context["is_staff"] else ""


class ListedPaymentSerializer(serializers.Serializer[Any]):
    """A payment's latest recorded state, as the list of a month has it."""

    payment_id = serializers.UUIDField()
    order_id = serializers.UUIDField(allow_null=True)
    payment_type = serializers.CharField(allow_null=True)
    status = serializers.CharField(allow_null=True)
    version = serializers.IntegerField(allow_null=True)
    captured = serializers.SerializerMethodField()
    refunded = serializers.SerializerMethodField()
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField(allow_null=True)

    @extend_schema_field(AmountSerializer)
    def get_captured(self, payment: ListedPayment) -> dict[str, Any]:
        return amount(payment.captured_minor or 0, payment.currency or "")

    @extend_schema_field(AmountSerializer)
    def get_refunded(self, payment: ListedPayment) -> dict[str, Any]:
        return amount(payment.refunded_minor or 0, payment.currency or "")


class ReferencedPaymentSerializer(serializers.Serializer[Any]):
    payment_id = serializers.UUIDField()
    order_id = serializers.UUIDField(allow_null=True)


class ListedPaymentQuerySerializer(serializers.Serializer[Any]):
    """Whose payments, and of which month; parameters of other names are ignored."""

    month = serializers.RegexField(
        r"^[0-9]{4}-(0[1-9]|1[0-2])$",
        required=False,
        help_text="payments created in this month, UTC, like 2026-11; all months without it",
        error_messages={"invalid": "A month, like 2026-11."},
    )
    user_id = serializers.UUIDField(required=False, help_text="for staff: whose payments; mine without it")

    def validate_month(self, text: str) -> int:
        return int(text.replace("-", ""))
