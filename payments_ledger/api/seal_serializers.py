"""Shapes of seals, totals of days and completeness."""

from datetime import date, timedelta
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from core.api.fields import AmountSerializer, amount
from core.payments.models import SealedDay
from payments_ledger.seals.completeness import Share
from payments_ledger.seals.totals import DayTotal

DAYS_MAX = 92


class DaysQuerySerializer(serializers.Serializer[Any]):
    """Booking days from one to another, both included."""

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        # `from` is no name that a class body could hold.
        return {
            "from": serializers.DateField(help_text="the first booking day"),
            "to": serializers.DateField(help_text=f"the last booking day; at most {DAYS_MAX} days in all"),
        }

    def validate(self, attrs: dict[str, date]) -> dict[str, date]:
        first_day, last_day = attrs["from"], attrs["to"]
        if first_day > last_day:
            raise serializers.ValidationError({"from": f"{first_day} comes after {last_day}."})
        if last_day - first_day >= timedelta(days=DAYS_MAX):
            raise serializers.ValidationError({"to": f"At most {DAYS_MAX} days at once."})
        return attrs


class SealSerializer(serializers.Serializer[Any]):
    seal_no = serializers.IntegerField()
    booking_day = serializers.DateField()
    sealed_at = serializers.DateTimeField()
    seal_hash = serializers.SerializerMethodField()
    prev_hash = serializers.SerializerMethodField()

    def get_seal_hash(self, held: SealedDay) -> str:
        return bytes(held.seal_hash).hex()

    def get_prev_hash(self, held: SealedDay) -> str:
        return bytes(held.prev_hash).hex()


class DayTotalSerializer(serializers.Serializer[Any]):
    booking_day = serializers.DateField()
    payment_type = serializers.CharField()
    event_type = serializers.CharField()
    event_count = serializers.IntegerField()
    amount = serializers.SerializerMethodField()
    computed_at = serializers.DateTimeField()
    sealed = serializers.BooleanField(help_text="whether the day is closed for good; else the total may still grow")

    @extend_schema_field(AmountSerializer)
    def get_amount(self, total: DayTotal) -> dict[str, Any]:
        return amount(total.amount_minor, total.currency)


class ShareSerializer(serializers.Serializer[Any]):
    """Of one currency's volume, without regard to sign, how much is complete; 1,000,000 ppm is all of it."""

    volume = serializers.SerializerMethodField()
    complete = serializers.SerializerMethodField()
    share_ppm = serializers.IntegerField()

    @extend_schema_field(AmountSerializer)
    def get_volume(self, share: Share) -> dict[str, Any]:
        return amount(share.volume_minor, share.currency)

    @extend_schema_field(AmountSerializer)
    def get_complete(self, share: Share) -> dict[str, Any]:
        return amount(share.complete_minor, share.currency)


class CompletenessSerializer(serializers.Serializer[Any]):
    first_day = serializers.DateField()
    last_day = serializers.DateField()
    sealed = ShareSerializer(many=True, help_text="in sealed blocks that still hold what was sealed")
    live = ShareSerializer(many=True, help_text="of the last hour: recorded in Cassandra within 60 s")
