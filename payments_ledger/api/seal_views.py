"""Closed days, their totals, and how complete the books are: for staff."""

from datetime import date

from drf_spectacular.utils import extend_schema
from rest_framework.generics import GenericAPIView
from rest_framework.permissions import IsAdminUser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.api.declarations import data_of, refuses
from core.api.pagination import Pages
from core.payments.models import SealedDay
from payments_ledger.api.seal_serializers import (
    CompletenessSerializer,
    DaysQuerySerializer,
    DayTotalSerializer,
    SealSerializer,
)
from payments_ledger.errors import LedgerUnavailable
from payments_ledger.seals import completeness, totals


class SealListView(GenericAPIView[SealedDay]):
    """Seals, the newest first; the first of them is the head of the chain (staff)."""

    permission_classes = [IsAdminUser]
    serializer_class = SealSerializer
    pagination_class = Pages

    @extend_schema(responses=SealSerializer(many=True))
    def get(self, request: Request) -> Response:
        page = self.paginate_queryset(SealedDay.objects.defer("body").order_by("-seal_no"))
        return self.get_paginated_response(SealSerializer(page, many=True).data)


class DayTotalsView(APIView):
    """What booking days add up to, by type, currency and event, in the order of days (staff)."""

    permission_classes = [IsAdminUser]

    @refuses(LedgerUnavailable)
    @extend_schema(parameters=[DaysQuerySerializer], responses=data_of(DayTotalSerializer))
    def get(self, request: Request) -> Response:
        days = _days(request)
        return Response({"data": DayTotalSerializer(totals.between(*days), many=True).data})


class CompletenessView(APIView):
    """The share of the money in sealed blocks that still agree, and the share recorded within a minute (staff)."""

    permission_classes = [IsAdminUser]

    @extend_schema(parameters=[DaysQuerySerializer], responses=CompletenessSerializer)
    def get(self, request: Request) -> Response:
        found = completeness.sealed(*_days(request))
        facts = {
            "first_day": found.first_day,
            "last_day": found.last_day,
            "sealed": found.shares,
            "live": completeness.live_shares(),
        }
        return Response(CompletenessSerializer(facts).data)


def _days(request: Request) -> tuple[date, date]:
    query = DaysQuerySerializer(data=request.query_params.dict())
    query.is_valid(raise_exception=True)
    return query.validated_data["from"], query.validated_data["to"]
