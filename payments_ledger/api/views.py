"""Reads of the ledger for the owner of an order and for staff."""

from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.api.caller import caller
from core.api.declarations import data_of, refuses
from core.orders.selectors.orders import order_of
from payments_ledger.api.serializers import RecordedPaymentSerializer
from payments_ledger.errors import LedgerUnavailable
from payments_ledger.selectors.payments import payments_of_order


class OrderPaymentsView(APIView):
    """What the ledger has recorded of an order's payments, event by event. 503 while Cassandra is away."""

    @refuses(LedgerUnavailable)
    @extend_schema(responses=data_of(RecordedPaymentSerializer))
    def get(self, request: Request, order_id: UUID) -> Response:
        user = caller(request)
        if not user.is_staff:
            order_of(order_id=order_id, user_id=user.id)
        return Response({"data": RecordedPaymentSerializer(payments_of_order(order_id), many=True).data})
