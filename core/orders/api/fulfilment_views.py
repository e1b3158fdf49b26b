"""What happens to an order as goods: cancelled or shipped."""

from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.permissions import IsAdminUser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.api.caller import owner_or_any
from core.api.declarations import refuses
from core.api.headers import IDEMPOTENCY_KEY, IF_MATCH
from core.api.idempotency import idempotent
from core.db.transactions import atomically
from core.orders.api.answers import order_answer, refuse_if_changed
from core.orders.api.serializers import OrderSerializer
from core.orders.errors import NotCancellable, NotRecordedInLedger, NotShippable
from core.orders.services import cancellations, shipping
from core.payments.errors import OperationInProgress


class CancelView(APIView):
    """Cancel one of my orders that has not left (staff: any). What is held is let go, what was taken is refunded."""

    @refuses(NotCancellable, OperationInProgress)
    @extend_schema(request=None, responses=OrderSerializer, parameters=[IDEMPOTENCY_KEY, IF_MATCH])
    @idempotent
    def post(self, request: Request, order_id: UUID) -> Response:
        refuse_if_changed(request, order_id)
        return order_answer(cancellations.cancel(order_id=order_id, user_id=owner_or_any(request)))


class ShipView(APIView):
    """Mark an order as shipped (staff): only when it is paid and its payments are recorded in the ledger."""

    permission_classes = [IsAdminUser]

    @refuses(NotShippable, NotRecordedInLedger)
    @extend_schema(request=None, responses=OrderSerializer, parameters=[IF_MATCH])
    def post(self, request: Request, order_id: UUID) -> Response:
        def ship() -> Response:
            refuse_if_changed(request, order_id)
            return order_answer(shipping.ship(order_id=order_id))

        return atomically(ship)
