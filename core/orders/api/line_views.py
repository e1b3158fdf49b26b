"""The lines of a draft order."""

from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.api.caller import caller_id
from core.api.declarations import refuses
from core.api.headers import IDEMPOTENCY_KEY, IF_MATCH
from core.api.idempotency import idempotent
from core.db.transactions import atomically
from core.orders.api.answers import order_answer, refuse_if_changed
from core.orders.api.serializers import LineRequestSerializer, OrderSerializer, QuantitySerializer
from core.orders.errors import AmountTooLarge, OrderNotDraft, ProductUnavailable, TooManyLines
from core.orders.selectors.orders import order_of
from core.orders.services import drafts


class LineListView(APIView):
    """Add a line to a draft order, at the catalogue's price of now."""

    @refuses(OrderNotDraft, ProductUnavailable, AmountTooLarge, TooManyLines)
    @extend_schema(
        request=LineRequestSerializer, responses={201: OrderSerializer}, parameters=[IDEMPOTENCY_KEY, IF_MATCH]
    )
    @idempotent
    def post(self, request: Request, order_id: UUID) -> Response:
        data = LineRequestSerializer(data=request.data)
        data.is_valid(raise_exception=True)
        refuse_if_changed(request, order_id)
        drafts.add_line(order_id=order_id, user_id=caller_id(request), line=drafts.LineRequest(**data.validated_data))
        return order_answer(order_of(order_id=order_id, user_id=caller_id(request)), status=201)


class LineView(APIView):
    """A line of a draft order."""

    @refuses(OrderNotDraft, ProductUnavailable, AmountTooLarge)
    @extend_schema(request=QuantitySerializer, responses=OrderSerializer, parameters=[IF_MATCH])
    def patch(self, request: Request, order_id: UUID, line_id: UUID) -> Response:
        """Change the quantity; the line takes the catalogue's price of now."""
        data = QuantitySerializer(data=request.data)
        data.is_valid(raise_exception=True)

        def change() -> Response:
            refuse_if_changed(request, order_id)
            drafts.change_quantity(
                order_id=order_id, user_id=caller_id(request), line_id=line_id, **data.validated_data
            )
            return order_answer(order_of(order_id=order_id, user_id=caller_id(request)))

        return atomically(change)

    @refuses(OrderNotDraft)
    @extend_schema(responses=OrderSerializer, parameters=[IF_MATCH])
    def delete(self, request: Request, order_id: UUID, line_id: UUID) -> Response:
        """Take the line out; the answer is the order without it."""

        def remove() -> Response:
            refuse_if_changed(request, order_id)
            drafts.remove_line(order_id=order_id, user_id=caller_id(request), line_id=line_id)
            return order_answer(order_of(order_id=order_id, user_id=caller_id(request)))

        return atomically(remove)
