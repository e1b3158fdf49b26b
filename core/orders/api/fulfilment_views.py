"""What happens to an order as goods: cancelled or shipped."""

from uuid import UUID

from django.urls import reverse
from drf_spectacular.utils import extend_schema
from rest_framework.permissions import IsAdminUser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.api.caller import owner_or_any
from core.api.idempotency import idempotent
from core.db.transactions import atomically
from core.orders.api.serializers import OrderSerializer
from core.orders.models import Order
from core.orders.services import cancellations, shipping
from core.payments.api.views import IDEMPOTENCY_KEY


class CancelView(APIView):
    """Cancel one of my orders that has not left (staff: any). What is held is let go, what was taken is refunded."""

    @extend_schema(request=None, responses=OrderSerializer, parameters=[IDEMPOTENCY_KEY])
    @idempotent
    def post(self, request: Request, order_id: UUID) -> Response:
        return _answer(cancellations.cancel(order_id=order_id, user_id=owner_or_any(request)))


class ShipView(APIView):
    """Mark an order as shipped (staff): only when it is paid and its payments are recorded in the ledger."""

    permission_classes = [IsAdminUser]

    @extend_schema(request=None, responses=OrderSerializer)
    def post(self, request: Request, order_id: UUID) -> Response:
        return _answer(atomically(lambda: shipping.ship(order_id=order_id)))


def _answer(order: Order) -> Response:
    return Response(OrderSerializer(order).data, headers={"Location": reverse("order", args=[order.id])})
