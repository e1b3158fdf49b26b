"""Shapes of breaks of settlements."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from core.api.fields import AmountSerializer, amount
from core.db.choices import choices_of
from payments_ledger.models import SettlementBreak
from payments_ledger.settlement.matching import Reason


class SettlementBreakQuerySerializer(serializers.Serializer[Any]):
    state = serializers.ChoiceField(choices=["open", "resolved"], required=False)
    provider = serializers.CharField(max_length=32, required=False)
    reason = serializers.ChoiceField(choices=choices_of(Reason), required=False)


class SettlementPostingSerializer(serializers.Serializer[Any]):
    payment_id = serializers.UUIDField()
    seq = serializers.IntegerField()


class SettlementBreakSerializer(serializers.ModelSerializer[SettlementBreak]):
    lines = serializers.ListField(child=serializers.IntegerField())
    postings = serializers.SerializerMethodField()
    settled = serializers.SerializerMethodField()
    posted = serializers.SerializerMethodField()

    class Meta:
        model = SettlementBreak
        fields = (
            *("id", "run_id", "provider", "day", "reason", "reference", "detail", "lines", "postings"),
            *("settled", "posted", "opened_at", "resolved_at", "note"),
        )
        read_only_fields = fields

    @extend_schema_field(SettlementPostingSerializer(many=True))
    def get_postings(self, found: SettlementBreak) -> list[dict[str, Any]]:
        return [{"payment_id": payment_id, "seq": seq} for payment_id, seq in found.postings]

    @extend_schema_field(AmountSerializer(many=True))
    def get_settled(self, found: SettlementBreak) -> list[dict[str, Any]]:
        return [amount(minor, currency) for currency, minor in sorted(found.settled_minor.items())]

    @extend_schema_field(AmountSerializer(many=True))
    def get_posted(self, found: SettlementBreak) -> list[dict[str, Any]]:
        return [amount(minor, currency) for currency, minor in sorted(found.posted_minor.items())]


class SettlementNoteSerializer(serializers.Serializer[Any]):
    note = serializers.CharField(max_length=1000, help_text="why it is none any more")
