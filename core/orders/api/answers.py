"""An order as an answer, and the same order as a precondition."""

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.urls import reverse
from rest_framework.request import Request
from rest_framework.response import Response

from core.api.caller import owner_or_any
from core.api.idempotency import response_of, stored
from core.api.preconditions import etag_of, refuse_unless_match, tagged
from core.api.problems import problem_response
from core.api.rendering import rendered
from core.api.stored_answers import StoredAnswer
from core.errors import AppError
from core.orders.api.serializers import OrderSerializer, order_document
from core.orders.domain.order_state import PaymentStatus
from core.orders.locks import lock_order
from core.orders.models import Order
from core.orders.services.wallet_checkout import Purchase


def order_answer(order: Order, *, status: int = 200) -> Response:
    """The order with its lines and payments, its address as Location and its ETag."""
    headers = {"Location": reverse("order", args=[order.id])}
    return tagged(Response(OrderSerializer(order).data, status=status, headers=headers))


def purchase_answer(order: Order) -> Response:
    """The answer to whoever pays the order: 202 while a provider is being asked, 200 when it is settled."""
    return order_answer(order, status=202 if order.payment_status == PaymentStatus.PENDING else 200)


def refuse_if_changed(request: Request, order_id: UUID) -> None:
    """Raise PreconditionFailed when If-Match names another ETag than the order has now; without If-Match do nothing.

    Locks the order, so that it stays as it was compared until the transaction of the change ends.
    """
    refuse_unless_match(request, lambda: OrderSerializer(lock_order(order_id, user_id=owner_or_any(request))).data)


class WalletAnswers:
    """What a wallet checkout answers to one request: documents equal to those that reading the order gives."""

    def __init__(self, request: Request) -> None:
        self._request = request
        self._etag = ""

    def require_match(self, purchase: Purchase) -> None:
        """Raise PreconditionFailed when If-Match names another ETag than the order has."""
        refuse_unless_match(self._request, lambda: _document(purchase))

    def paid(self, purchase: Purchase) -> StoredAnswer:
        document = _document(purchase)
        self._etag = etag_of(document)
        return StoredAnswer(200, rendered(document), reverse("order", args=[purchase.order.id]))

    def refused(self, refusal: AppError) -> StoredAnswer:
        return stored(problem_response(refusal, self._request))

    def response(self, answer: StoredAnswer) -> HttpResponse:
        """The answer that came of it, with the order's ETag when it is the first one."""
        response = response_of(answer)
        if self._etag and not answer.is_replay:
            response["ETag"] = self._etag
        return response


def _document(purchase: Purchase) -> dict[str, Any]:
    return order_document(purchase.order, purchase.lines, purchase.payments, purchase.recorded_seqs)
