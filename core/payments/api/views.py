"""Wallets, deposits and reads of payments. What moves an order's money is in core.orders.api."""

from django.conf import settings
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.permissions import IsAdminUser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.api.caller import caller_id
from core.api.idempotency import idempotent
from core.errors import NotFound
from core.money import Money
from core.payments.api.serializers import DepositSerializer, PaymentSerializer, WalletSerializer
from core.payments.models import Payment
from core.payments.selectors.payments import recorded_seqs, wallets_of
from core.payments.services import wallets

IDEMPOTENCY_KEY = OpenApiParameter("Idempotency-Key", str, OpenApiParameter.HEADER, required=True)


class WalletListView(APIView):
    """My wallets, one a currency."""

    @extend_schema(responses=WalletSerializer(many=True))
    def get(self, request: Request) -> Response:
        return Response({"data": WalletSerializer(wallets_of(caller_id(request)), many=True).data})


class DepositView(APIView):
    """Put money into a user's wallet (staff): the money is at the provider already."""

    permission_classes = [IsAdminUser]

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
        )
        return Response(PaymentSerializer(payment, context={"recorded": {}}).data, status=201)


class PaymentView(APIView):
    """One of my payments."""

    @extend_schema(responses=PaymentSerializer)
    def get(self, request: Request, payment_id: str) -> Response:
        payment = Payment.objects.filter(pk=payment_id, user_id=caller_id(request)).first()
        if payment is None:
            raise NotFound(f"No payment {payment_id} is visible to you.")
        return Response(PaymentSerializer(payment, context={"recorded": recorded_seqs([payment.id])}).data)
