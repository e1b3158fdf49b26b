"""Breaks of settlements, for staff."""

from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.generics import GenericAPIView
from rest_framework.permissions import IsAdminUser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.api.caller import caller_id
from core.api.declarations import refuses
from core.api.pagination import Pages
from payments_ledger.api.settlement_serializers import (
    SettlementBreakQuerySerializer,
    SettlementBreakSerializer,
    SettlementNoteSerializer,
)
from payments_ledger.errors import SettlementBreakResolved
from payments_ledger.models import SettlementBreak
from payments_ledger.settlement.breaks import breaks, resolve


class SettlementBreakListView(GenericAPIView[SettlementBreak]):
    """What of providers' settlements did not fit the ledger, newest first; open, resolved or both."""

    permission_classes = [IsAdminUser]
    serializer_class = SettlementBreakSerializer
    pagination_class = Pages

    @extend_schema(parameters=[SettlementBreakQuerySerializer], responses=SettlementBreakSerializer(many=True))
    def get(self, request: Request) -> Response:
        query = SettlementBreakQuerySerializer(data=request.query_params.dict())
        query.is_valid(raise_exception=True)
        asked = query.validated_data
        is_open = None if "state" not in asked else asked["state"] == "open"
        found = breaks(is_open=is_open, provider=asked.get("provider"), reason=asked.get("reason"))
        return self.get_paginated_response(SettlementBreakSerializer(self.paginate_queryset(found), many=True).data)


class ResolveSettlementBreakView(APIView):
    """Close an open break and say why; the note is kept."""

    permission_classes = [IsAdminUser]

    @refuses(SettlementBreakResolved)
    @extend_schema(request=SettlementNoteSerializer, responses=SettlementBreakSerializer)
    def post(self, request: Request, break_id: UUID) -> Response:
        body = SettlementNoteSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        found = resolve(break_id=break_id, user_id=caller_id(request), note=body.validated_data["note"])
        return Response(SettlementBreakSerializer(found).data)
