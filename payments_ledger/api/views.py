"""Reads of payments as the ledger has recorded them. Every one is 503 while Cassandra is away."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.generics import GenericAPIView
from rest_framework.permissions import IsAdminUser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.api.caller import caller, owner_or_any
from core.api.declarations import data_of, refuses
from core.errors import NotFound
from core.orders.selectors.orders import order_of
from payments_ledger.api.pages import PaymentPages
from payments_ledger.api.serializers import (
    ListedPaymentQuerySerializer,
    ListedPaymentSerializer,
    PaymentRecordSerializer,
    RecordedPaymentSerializer,
    ReferencedPaymentSerializer,
)
from payments_ledger.errors import LedgerUnavailable
from payments_ledger.selectors.my_payments import UserPayments
from payments_ledger.selectors.one_payment import payment_record
from payments_ledger.selectors.payments import payments_of_order
from payments_ledger.selectors.references import payments_with_reference


class OrderPaymentsView(APIView):
    """What the ledger has recorded of an order's payments, event by event."""

    @refuses(LedgerUnavailable)
    @extend_schema(responses=data_of(RecordedPaymentSerializer))
    def get(self, request: Request, order_id: UUID) -> Response:
        user = caller(request)
        if not user.is_staff:
            order_of(order_id=order_id, user_id=user.id)
        context = {"is_staff": user.is_staff}
        return Response(
            {"data": RecordedPaymentSerializer(payments_of_order(order_id), many=True, context=context).data}
        )


class PaymentListView(GenericAPIView[Any]):
    """My recorded payments, newest first, of one month or of all; staff may ask for anybody's."""

    serializer_class = ListedPaymentSerializer
    pagination_class = PaymentPages

    @refuses(LedgerUnavailable, NotFound)
    @extend_schema(parameters=[ListedPaymentQuerySerializer], responses=ListedPaymentSerializer(many=True))
    def get(self, request: Request) -> Response:
        query = ListedPaymentQuerySerializer(data=request.query_params.dict())
        query.is_valid(raise_exception=True)
        user = caller(request)
        user_id = query.validated_data.get("user_id", user.id)
        if user_id != user.id and not user.is_staff:
            raise NotFound(f"No user {user_id} is visible to you.")
        payments: Any = UserPayments(user_id, query.validated_data.get("month"))
        page = self.paginate_queryset(payments)
        return self.get_paginated_response(ListedPaymentSerializer(page, many=True).data)


class PaymentRecordView(APIView):
    """One of my payments, folded from its events, and whether every store says the same; staff see all."""

    @refuses(LedgerUnavailable)
    @extend_schema(responses=PaymentRecordSerializer)
    def get(self, request: Request, payment_id: UUID) -> Response:
        record = payment_record(payment_id, user_id=owner_or_any(request))
        return Response(PaymentRecordSerializer(record, context={"is_staff": caller(request).is_staff}).data)


class ProviderReferenceView(APIView):
    """The payments that a provider's reference belongs to (staff)."""

    permission_classes = [IsAdminUser]

    @refuses(LedgerUnavailable)
    @extend_schema(responses=data_of(ReferencedPaymentSerializer))
    def get(self, request: Request, provider: str, reference: str) -> Response:
        found = payments_with_reference(provider, reference)
        if not found:
            raise NotFound(f"Nothing recorded has the reference {reference} of {provider}.")
        return Response({"data": ReferencedPaymentSerializer(found, many=True).data})
