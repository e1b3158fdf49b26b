"""An order as an answer, and the same order as a precondition."""

from uuid import UUID

from django.urls import reverse
from rest_framework.request import Request
from rest_framework.response import Response

from core.api.caller import owner_or_any
from core.api.preconditions import refuse_unless_match, tagged
from core.orders.api.serializers import OrderSerializer
from core.orders.locks import lock_order
from core.orders.models import Order


def order_answer(order: Order, *, status: int = 200) -> Response:
    """The order with its lines and payments, its address as Location and its ETag."""
    headers = {"Location": reverse("order", args=[order.id])}
    return tagged(Response(OrderSerializer(order).data, status=status, headers=headers))


def refuse_if_changed(request: Request, order_id: UUID) -> None:
    """Raise PreconditionFailed when If-Match names another ETag than the order has now; without If-Match do nothing.

    Locks the order, so that it stays as it was compared until the transaction of the change ends.
    """
    refuse_unless_match(request, lambda: OrderSerializer(lock_order(order_id, user_id=owner_or_any(request))).data)
