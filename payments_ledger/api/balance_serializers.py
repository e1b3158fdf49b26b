"""Shapes of balances."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from core.api.fields import AmountSerializer, amount
from payments_ledger.selectors.balances import Balance, Balances


class AsOfQuerySerializer(serializers.Serializer[Any]):
    """As of when; parameters of other names are ignored."""

    as_of = serializers.DateTimeField(
        required=False, help_text="with its time zone; what was booked at this moment counts. Now without it"
    )


class BalanceSerializer(serializers.Serializer[Any]):
    """One currency of one account; debits positive, credits negative."""

    account = serializers.CharField()
    amount = serializers.SerializerMethodField()

    @extend_schema_field(AmountSerializer)
    def get_amount(self, balance: Balance) -> dict[str, Any]:
        return amount(balance.amount_minor, balance.currency)


class BalancesSerializer(serializers.Serializer[Any]):
    """Balances as of a moment, none for an account without postings."""

    as_of = serializers.DateTimeField()
    up_to = serializers.DateTimeField(help_text="what was booked before is in it: as_of, or the watermark when earlier")
    store = serializers.CharField(help_text="whose postings were added up")
    days_summed = serializers.IntegerField(help_text="sealed days that were taken from their sums")
    days_read = serializers.IntegerField(help_text="days whose events were added up")
    balances = BalanceSerializer(many=True)


class TrialBalanceSerializer(BalancesSerializer):
    """Every account that has postings, and their sums, which are zero."""

    totals = serializers.SerializerMethodField()
    agrees = serializers.BooleanField(help_text="every total is zero, over accounts of the chart")
    unknown_accounts = serializers.ListField(child=serializers.CharField(), help_text="not in the chart of accounts")

    @extend_schema_field(AmountSerializer(many=True))
    def get_totals(self, found: Balances) -> list[dict[str, Any]]:
        return [amount(total, currency) for currency, total in found.totals.items()]
