"""Wallets, deposits and reads of payments. What moves an order's money is in core.orders.api."""

from uuid import UUID

from django.conf import settings
from django.urls import reverse
from drf_spectacular.utils import extend_schema
from rest_framework.generics import GenericAPIView
from rest_framework.permissions import IsAdminUser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.api.caller import caller_id, owner_or_any
from core.api.declarations import data_of, refuses
from core.api.headers import IDEMPOTENCY_KEY
from core.api.idempotency import idempotent
from core.api.pagination import Pages
from core.db.transactions import atomically
from core.errors import NotFound
from core.money import Money
from core.payments.api.serializers import (
    AttentionSerializer,
    DepositSerializer,
    DisputeSerializer,
    OperationSerializer,
    PaymentSerializer,
    ResolutionSerializer,
    VoucherRequestSerializer,
    VoucherSerializer,
    WalletRequestSerializer,
    WalletSerializer,
)
from core.payments.errors import DepositBookedAlready
from core.payments.models import PaymentOperation
from core.payments.selectors.operations import needing_attention, operation_by_id, operations_of
from core.payments.selectors.payments import payment_by_id, recorded_seqs, voucher_by_code, wallets_of
from core.payments.services import operations, vouchers, wallets


class OldestAttentionFirst(Pages):
    ordering = "attention_at"


class WalletListView(APIView):
    """My wallets, one a currency; a POST opens one, and opening it again changes nothing."""

    @extend_schema(responses=data_of(WalletSerializer))
    def get(self, request: Request) -> Response:
        return Response({"data": WalletSerializer(wallets_of(caller_id(request)), many=True).data})

    @extend_schema(request=WalletRequestSerializer, responses={201: WalletSerializer})
    def post(self, request: Request) -> Response:
        data = WalletRequestSerializer(data=request.data)
        data.is_valid(raise_exception=True)
        currency = data.validated_data["currency"]
        wallet = atomically(lambda: wallets.open_wallet(user_id=caller_id(request), currency=currency))
        return Response(WalletSerializer(wallet).data, status=201)


class DepositView(APIView):
    """Put money into a user's wallet (staff): the money is at the provider already."""

    permission_classes = [IsAdminUser]

    @refuses(NotFound, DepositBookedAlready)
    @extend_schema(request=DepositSerializer, responses={201: PaymentSerializer}, parameters=[IDEMPOTENCY_KEY])
    @idempotent
    def post(self, request: Request) -> Response:
        data = DepositSerializer(data=request.data)
        data.is_valid(raise_exception=True)
        given = data.validated_data
        payment = wallets.deposit(
            user_id=given["user_id"],
            amount=Money(given["amount_minor"], given["currency"]),
            provider=settings.CARD_GATEWAY,
            provider_ref=given["provider_ref"],
        )
        return Response(PaymentSerializer(payment, context={"recorded": {}}).data, status=201)


class PaymentView(APIView):
    """One of my payments; staff see all."""

    @extend_schema(responses=PaymentSerializer)
    def get(self, request: Request, payment_id: UUID) -> Response:
        payment = payment_by_id(payment_id, user_id=owner_or_any(request))
        return Response(PaymentSerializer(payment, context={"recorded": recorded_seqs([payment.id])}).data)


class PaymentOperationListView(APIView):
    """What was done with one of my payments: authorizations, captures, voids and refunds, oldest first."""

    @extend_schema(responses=data_of(OperationSerializer))
    def get(self, request: Request, payment_id: UUID) -> Response:
        payment = payment_by_id(payment_id, user_id=owner_or_any(request))
        return Response({"data": OperationSerializer(operations_of(payment.id), many=True).data})


class PaymentDisputeListView(APIView):
    """The disputes of one of my payments, oldest first."""

    @extend_schema(responses=data_of(DisputeSerializer))
    def get(self, request: Request, payment_id: UUID) -> Response:
        payment = payment_by_id(payment_id, user_id=owner_or_any(request))
        return Response({"data": DisputeSerializer(payment.disputes.order_by("id"), many=True).data})


class OperationView(APIView):
    """One operation on one of my payments."""

    @extend_schema(responses=OperationSerializer)
    def get(self, request: Request, operation_id: UUID) -> Response:
        operation = operation_by_id(operation_id, user_id=owner_or_any(request))
        return Response(OperationSerializer(operation).data)


class AttentionListView(GenericAPIView[PaymentOperation]):
    """Operations a person must look at, the longest waiting first (staff)."""

    permission_classes = [IsAdminUser]
    serializer_class = AttentionSerializer
    pagination_class = OldestAttentionFirst

    @extend_schema(responses=AttentionSerializer(many=True))
    def get(self, request: Request) -> Response:
        page = self.paginate_queryset(needing_attention())
        return self.get_paginated_response(AttentionSerializer(page, many=True).data)


class ResolveView(APIView):
    """Take an operation off that list, saying what was done (staff). Moves no money."""

    permission_classes = [IsAdminUser]

    @extend_schema(request=ResolutionSerializer, responses=OperationSerializer)
    def post(self, request: Request, operation_id: UUID) -> Response:
        data = ResolutionSerializer(data=request.data)
        data.is_valid(raise_exception=True)
        operation = operations.resolve(operation_id=operation_id, resolution=data.validated_data["resolution"])
        if operation is None:
            raise NotFound(f"No operation {operation_id} needs attention.")
        return Response(OperationSerializer(operation).data)


class VoucherListView(APIView):
    """Issue a voucher (staff)."""

    permission_classes = [IsAdminUser]

    @extend_schema(request=VoucherRequestSerializer, responses={201: VoucherSerializer}, parameters=[IDEMPOTENCY_KEY])
    @idempotent
    def post(self, request: Request) -> Response:
        data = VoucherRequestSerializer(data=request.data)
        data.is_valid(raise_exception=True)
        given = data.validated_data
        voucher = vouchers.issue(
            amount=Money(given["amount_minor"], given["currency"]),
            issued_by=caller_id(request),
            expires_at=given["expires_at"],
        )
        location = reverse("voucher", args=[voucher.code])
        return Response(VoucherSerializer(voucher).data, status=201, headers={"Location": location})


class VoucherView(APIView):
    """A voucher, for whoever has its code."""

    @extend_schema(responses=VoucherSerializer)
    def get(self, request: Request, code: str) -> Response:
        return Response(VoucherSerializer(voucher_by_code(code)).data)
