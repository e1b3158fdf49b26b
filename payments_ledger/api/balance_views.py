"""Balances of the ledger's accounts, for staff."""

from datetime import datetime

from drf_spectacular.utils import extend_schema
from rest_framework.permissions import IsAdminUser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.clock import now
from payments_ledger.api.balance_serializers import AsOfQuerySerializer, BalancesSerializer, TrialBalanceSerializer
from payments_ledger.selectors.balances import balance_of, trial_balance


class AccountBalanceView(APIView):
    """One account as of a moment, in every currency it has postings in (staff)."""

    permission_classes = [IsAdminUser]

    @extend_schema(parameters=[AsOfQuerySerializer], responses=BalancesSerializer)
    def get(self, request: Request, account: str) -> Response:
        return Response(BalancesSerializer(balance_of(account, _as_of(request))).data)


class TrialBalanceView(APIView):
    """Every account as of a moment, and the proof that they sum to zero (staff)."""

    permission_classes = [IsAdminUser]

    @extend_schema(parameters=[AsOfQuerySerializer], responses=TrialBalanceSerializer)
    def get(self, request: Request) -> Response:
        return Response(TrialBalanceSerializer(trial_balance(_as_of(request))).data)


def _as_of(request: Request) -> datetime:
    query = AsOfQuerySerializer(data=request.query_params.dict())
    query.is_valid(raise_exception=True)
    moment: datetime = query.validated_data.get("as_of") or now()
    return moment
