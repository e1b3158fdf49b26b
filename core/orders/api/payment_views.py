"""What moves an order's money: several instruments, captures, voids, refunds, evidence in disputes."""

from uuid import UUID

from django.urls import resolve, reverse
from drf_spectacular.utils import extend_schema
from rest_framework.permissions import IsAdminUser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.api.caller import caller_id, owner_or_any
from core.api.declarations import data_of, refuses
from core.api.headers import IDEMPOTENCY_KEY, IF_MATCH, PREFER
from core.api.idempotency import idempotent
from core.api.waiting import may_wait
from core.db.transactions import atomically
from core.orders.api.answers import purchase_answer, refuse_if_changed
from core.orders.api.serializers import (
    CaptureRequestSerializer,
    InstrumentSerializer,
    OrderSerializer,
    PaymentsRequestSerializer,
    ReasonSerializer,
    RefundRequestSerializer,
)
from core.orders.api.views import PAYING
from core.orders.domain.checkout_state import CaptureMethod
from core.orders.errors import InstrumentsMismatch, NotCapturable
from core.orders.selectors.orders import order_of
from core.orders.services import checkout, disputes, payment_actions
from core.payments.api.serializers import (
    DisputeSerializer,
    EvidenceSerializer,
    OperationSerializer,
    PaymentSerializer,
)
from core.payments.domain.operation_state import OPEN_OPERATION_STATES
from core.payments.errors import (
    CaptureExceedsAuthorization,
    DisputeClosed,
    NothingHeld,
    NothingToRefund,
    OperationInProgress,
    RefundExceedsCapture,
)
from core.payments.models import PaymentOperation
from core.payments.selectors.operations import operation_by_id
from core.payments.selectors.payments import payments_of_order, recorded_seqs


class OrderPaymentsView(APIView):
    """The payments of one of my orders (staff: any); a POST pays a draft with several instruments."""

    @extend_schema(responses=data_of(PaymentSerializer))
    def get(self, request: Request, order_id: UUID) -> Response:
        order = order_of(order_id=order_id, user_id=owner_or_any(request))
        payments = list(payments_of_order(order.id))
        recorded = recorded_seqs(payment.id for payment in payments)
        return Response({"data": PaymentSerializer(payments, many=True, context={"recorded": recorded}).data})

    @refuses(*PAYING, InstrumentsMismatch)
    @extend_schema(
        request=PaymentsRequestSerializer,
        responses={200: OrderSerializer, 202: OrderSerializer},
        parameters=[IDEMPOTENCY_KEY, IF_MATCH, PREFER],
    )
    @may_wait("order_id")
    @idempotent
    def post(self, request: Request, order_id: UUID) -> Response:
        data = PaymentsRequestSerializer(data=request.data)
        data.is_valid(raise_exception=True)
        given = data.validated_data
        refuse_if_changed(request, order_id)
        checkout.begin(
            order_id=order_id,
            user_id=caller_id(request),
            instruments=[
                InstrumentSerializer.instrument(instrument, amount_minor=instrument["amount_minor"])
                for instrument in given["instruments"]
            ],
            capture_method=CaptureMethod(given["capture_method"]),
        )
        return self.current_state(request, order_id=order_id)

    def current_state(self, request: Request, *, order_id: UUID, location: str = "") -> Response:
        """The order as it is now: the first answer, and that of every replay of a 202."""
        return purchase_answer(order_of(order_id=order_id, user_id=caller_id(request)))


class OperationRequestView(APIView):
    """A movement of a payment's money (staff): 201 when it is done, 202 while the provider is asked."""

    permission_classes = [IsAdminUser]

    def current_state(self, request: Request, *, payment_id: UUID, location: str) -> Response:
        """The operation the first answer named, as it is now."""
        return operation_answer(operation_by_id(resolve(location).kwargs["operation_id"]))


class CaptureView(OperationRequestView):
    """Take what a payment holds, whole or in parts (staff)."""

    @refuses(NothingHeld, CaptureExceedsAuthorization, NotCapturable, OperationInProgress)
    @extend_schema(
        request=CaptureRequestSerializer,
        responses={201: OperationSerializer, 202: OperationSerializer},
        parameters=[IDEMPOTENCY_KEY, PREFER],
    )
    @may_wait("payment_id")
    @idempotent
    def post(self, request: Request, payment_id: UUID) -> Response:
        data = CaptureRequestSerializer(data=request.data)
        data.is_valid(raise_exception=True)
        given = data.validated_data
        operation = payment_actions.capture(
            payment_id=payment_id, amount_minor=given.get("amount_minor"), is_final=given["is_final"]
        )
        return operation_answer(operation)


class VoidView(OperationRequestView):
    """Let go of what a payment holds and has not taken (staff)."""

    @refuses(NothingHeld, OperationInProgress)
    @extend_schema(
        request=ReasonSerializer,
        responses={201: OperationSerializer, 202: OperationSerializer},
        parameters=[IDEMPOTENCY_KEY, PREFER],
    )
    @may_wait("payment_id")
    @idempotent
    def post(self, request: Request, payment_id: UUID) -> Response:
        data = ReasonSerializer(data=request.data)
        data.is_valid(raise_exception=True)
        operation = payment_actions.void(payment_id=payment_id, reason=data.validated_data["reason"])
        return operation_answer(operation)


class RefundView(OperationRequestView):
    """Give back what a payment took, whole or in parts (staff)."""

    @refuses(NothingToRefund, RefundExceedsCapture, OperationInProgress)
    @extend_schema(
        request=RefundRequestSerializer,
        responses={201: OperationSerializer, 202: OperationSerializer},
        parameters=[IDEMPOTENCY_KEY, PREFER],
    )
    @may_wait("payment_id")
    @idempotent
    def post(self, request: Request, payment_id: UUID) -> Response:
        data = RefundRequestSerializer(data=request.data)
        data.is_valid(raise_exception=True)
        given = data.validated_data
        operation = payment_actions.refund(
            payment_id=payment_id, amount_minor=given.get("amount_minor"), reason=given["reason"]
        )
        return operation_answer(operation)


class EvidenceView(APIView):
    """Keep our side of an open dispute (staff)."""

    permission_classes = [IsAdminUser]

    @refuses(DisputeClosed)
    @extend_schema(request=EvidenceSerializer, responses=DisputeSerializer)
    def post(self, request: Request, dispute_id: UUID) -> Response:
        data = EvidenceSerializer(data=request.data)
        data.is_valid(raise_exception=True)
        evidence = data.validated_data["evidence"]
        dispute = atomically(lambda: disputes.submit_evidence(dispute_id=dispute_id, evidence=evidence))
        return Response(DisputeSerializer(dispute).data)


def operation_answer(operation: PaymentOperation) -> Response:
    status = 202 if operation.state in OPEN_OPERATION_STATES else 201
    location = reverse("operation", args=[operation.id])
    return Response(OperationSerializer(operation).data, status=status, headers={"Location": location})
