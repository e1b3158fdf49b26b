"""Results of verifications on the wire."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from core.api.fields import OneOfField
from payments_ledger.models import Mode, Verdict, Verification
from payments_ledger.reconciliation.checks import CHECKS

# Of up to a thousand that are kept; the rest is in the admin.
DIFFERENCES_SHOWN_MAX = 20


class VerificationQuerySerializer(serializers.Serializer[Any]):
    """Which results; parameters of other names are ignored."""

    verdict = OneOfField(Verdict, required=False)
    mode = OneOfField(Mode, required=False)


class DifferenceSerializer(serializers.Serializer[Any]):
    """A row that disagrees with PostgreSQL. `columns` maps a column to what was expected and what was found."""

    kind = serializers.CharField(help_text="missing, extra, different, unbalanced, hash_broken, stale …")
    table = serializers.CharField()
    payment_id = serializers.UUIDField(allow_null=True)
    seq = serializers.IntegerField(allow_null=True)
    order_id = serializers.UUIDField(allow_null=True)
    booking_day = serializers.DateField(allow_null=True)
    columns = serializers.DictField(child=serializers.DictField(child=serializers.CharField()))
    detail = serializers.CharField()


class SkippedDaysSerializer(serializers.Serializer[Any]):
    """Days of an import that was open: they were not compared."""

    source = serializers.CharField()  # type: ignore[assignment]  # REST framework takes fields out of the class
    first_day = serializers.DateField()
    last_day = serializers.DateField()


class VerificationSerializer(serializers.ModelSerializer[Verification]):
    tables = serializers.ListField(child=OneOfField(list(CHECKS)))
    counts = serializers.DictField(child=serializers.IntegerField())
    skipped = SkippedDaysSerializer(many=True)
    differences = serializers.SerializerMethodField()

    class Meta:
        model = Verification
        fields = [
            "id", "mode", "tables", "first_day", "last_day", "watermark", "verdict", "reason", "events", "blocks",
            "counts", "differences", "skipped", "started_at", "finished_at", "duration_ms",
        ]  # fmt: skip

    @extend_schema_field(DifferenceSerializer(many=True))
    def get_differences(self, verification: Verification) -> list[dict[str, Any]]:
        """The first 20; `counts` says how many there were."""
        return list(DifferenceSerializer(verification.differences[:DIFFERENCES_SHOWN_MAX], many=True).data)
