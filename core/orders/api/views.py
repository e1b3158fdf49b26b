"""Orders: drafts, reads and checkout."""

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.api.authentication import TokenAuthentication, holder_of, look_at_account
from core.api.caller import caller_id, owner_or_any
from core.api.declarations import refuses
from core.api.headers import IDEMPOTENCY_KEY, IF_MATCH, PREFER
from core.api.idempotency import attempt_of, idempotent
from core.api.pagination import Pages
from core.api.waiting import may_wait
from core.db.transactions import atomically
from core.orders.api.answers import WalletAnswers, order_answer, purchase_answer, refuse_if_changed
from core.orders.api.serializers import (
    CheckoutSerializer,
    OrderQuerySerializer,
    OrderRequestSerializer,
    OrderSerializer,
    OrderSummarySerializer,
)
from core.orders.errors import AmountTooLarge, EmptyOrder, OrderNotDraft, OutOfStock, ProductUnavailable
from core.orders.models import Order
from core.orders.selectors.orders import OrderFilter, order_of, orders_matching
from core.orders.services import checkout, wallet_checkout
from core.orders.services.drafts import LineRequest, create_draft
from core.payments.domain.payment_state import PaymentType
from core.payments.errors import InsufficientFunds, NoWallet, VoucherInsufficient, VoucherUnusable


class OrderListView(GenericAPIView[Order]):
    """My orders; a POST makes a draft."""

    serializer_class = OrderSummarySerializer
    pagination_class = Pages

    @extend_schema(parameters=[OrderQuerySerializer], responses=OrderSummarySerializer(many=True))
    def get(self, request: Request) -> Response:
        query = OrderQuerySerializer(data=request.query_params.dict())
        query.is_valid(raise_exception=True)
        page = self.paginate_queryset(orders_matching(caller_id(request), OrderFilter(**query.validated_data)))
        return self.get_paginated_response(OrderSummarySerializer(page, many=True).data)

    @refuses(ProductUnavailable, AmountTooLarge)
    @extend_schema(request=OrderRequestSerializer, responses={201: OrderSerializer})
    def post(self, request: Request) -> Response:
        data = OrderRequestSerializer(data=request.data)
        data.is_valid(raise_exception=True)
        lines = [LineRequest(**line) for line in data.validated_data["lines"]]
        order = atomically(lambda: create_draft(user_id=caller_id(request), lines=lines))
        return order_answer(order, status=201)


class OrderView(APIView):
    """One of my orders, with lines and payments; staff see all."""

    @extend_schema(responses=OrderSerializer)
    def get(self, request: Request, order_id: UUID) -> Response:
        return order_answer(order_of(order_id=order_id, user_id=owner_or_any(request)))


# What paying for an order may be refused with, by one instrument or several.
PAYING = (OrderNotDraft, EmptyOrder, OutOfStock, InsufficientFunds, NoWallet, VoucherUnusable, VoucherInsufficient)


class CheckoutView(APIView):
    """Pay a draft order: 200 when it is settled, 202 while the provider is being asked (poll the Location)."""

    authentication_classes = [TokenAuthentication]

    @refuses(*PAYING)
    @extend_schema(
        request=CheckoutSerializer,
        responses={200: OrderSerializer, 202: OrderSerializer},
        parameters=[IDEMPOTENCY_KEY, IF_MATCH, PREFER],
    )
    def post(self, request: Request, order_id: UUID) -> HttpResponse:
        if not is_wallet(request.data):
            look_at_account(request)
            return self.begin(request, order_id=order_id)
        holder, answers = holder_of(request), WalletAnswers(request)
        attempt = attempt_of(request, user_id=holder.id)
        return answers.response(wallet_checkout.pay(order_id=order_id, holder=holder, attempt=attempt, answers=answers))

    @may_wait("order_id")
    @idempotent
    def begin(self, request: Request, order_id: UUID) -> Response:
        """Pay by anything but the wallet: the saga."""
        data = CheckoutSerializer(data=request.data)
        data.is_valid(raise_exception=True)
        refuse_if_changed(request, order_id)
        instrument = data.instrument(data.validated_data)
        checkout.begin(order_id=order_id, user_id=caller_id(request), instruments=[instrument])
        return self.current_state(request, order_id=order_id)

    def current_state(self, request: Request, *, order_id: UUID, location: str = "") -> Response:
        """The order as it is now: the first answer, and that of every replay of a 202."""
        return purchase_answer(order_of(order_id=order_id, user_id=caller_id(request)))


def is_wallet(body: Any) -> bool:
    """Whether this is a well-formed request to pay by wallet."""
    if body == {"method": "wallet"}:
        # Nearly every one, and all that the serializer could find out.
        return True
    data = CheckoutSerializer(data=body)
    return data.is_valid() and data.validated_data["method"] == PaymentType.WALLET
