"""What the provider says, recorded: once, whoever says it and however late."""

from datetime import timedelta
from uuid import UUID

import pytest
from django.db import transaction

from core.clock import now
from core.orders.services import checkout, payment_outcomes
from core.payments.domain.operation_state import OperationState
from core.payments.gateways.protocol import GatewayResult, Outcome
from core.payments.models import PaymentOperation
from tests.storefront import Storefront, events_of, payments_of

SUCCEEDED = GatewayResult(Outcome.SUCCEEDED, provider_ref="ch_1", amount_minor=1_000)
DECLINED = GatewayResult(Outcome.DECLINED, provider_ref="ch_1", decline_code="card_declined", amount_minor=1_000)
UNKNOWN = GatewayResult(Outcome.UNKNOWN)
NOT_FOUND = GatewayResult(Outcome.NOT_FOUND)


@pytest.fixture
def purchase(settings) -> tuple[Storefront, str, UUID]:
    """A placed order whose operation no worker will touch: its outcome is unknown and due tomorrow."""
    settings.CARD_GATEWAY = "nobody"
    shop = Storefront()
    product = shop.product(price_minor=500, stock=10)
    order_id = shop.order(product, quantity=2)
    with transaction.atomic():
        checkout.pay_by_card(order_id=UUID(order_id), user_id=shop.user.id, token="tok_approve")
        operations = PaymentOperation.objects.filter(payment__order_id=order_id)
        operations.update(state=OperationState.UNKNOWN, next_attempt_at=now() + timedelta(days=1))
    return shop, order_id, operations.get().id


@pytest.fixture(autouse=True)
def _settle_afterwards(purchase):
    """Leave no order pending behind: the books are checked at the end of the run."""
    yield
    payment_outcomes.record(operation_id=purchase[2], result=DECLINED)


def operation(operation_id: UUID) -> PaymentOperation:
    return PaymentOperation.objects.get(pk=operation_id)


def test_success_captures_once_however_often_it_is_told(purchase):
    shop, order_id, operation_id = purchase

    told = [payment_outcomes.record(operation_id=operation_id, result=SUCCEEDED) for _ in range(3)]

    assert told == [True, False, False]
    order = shop.read(order_id)
    assert (order["payment_status"], order["fulfilment_status"]) == ("paid", "confirmed")
    (payment,) = payments_of(order_id)
    assert (payment.captured_minor, payment.seq, payment.provider_ref) == (1_000, 2, "ch_1")


def test_a_late_contrary_answer_changes_nothing(purchase):
    shop, order_id, operation_id = purchase
    payment_outcomes.record(operation_id=operation_id, result=DECLINED)

    late = payment_outcomes.record(operation_id=operation_id, result=SUCCEEDED)

    assert late is False
    assert shop.read(order_id)["payment_status"] == "failed"
    assert events_of(order_id) == ["payment.created", "payment.failed"]


def test_a_decline_gives_the_stock_back_and_the_order_back_to_its_buyer(purchase):
    shop, order_id, operation_id = purchase
    line = shop.read(order_id)["lines"][0]

    payment_outcomes.record(operation_id=operation_id, result=DECLINED)

    assert shop.client.get(f"products/{line['product_id']}").json()["stock"] == 10
    assert shop.read(order_id)["fulfilment_status"] == "draft"
    assert operation(operation_id).decline_code == "card_declined"


def test_no_answer_only_sets_the_next_question_and_is_told_once(purchase, settings):
    settings.OPERATION_QUERY_DELAYS_SECONDS = [60, 300]
    _, order_id, operation_id = purchase

    before = now()
    for _ in range(3):
        assert payment_outcomes.record(operation_id=operation_id, result=UNKNOWN)

    found = operation(operation_id)
    assert found.state == OperationState.UNKNOWN
    assert timedelta(seconds=55) < found.next_attempt_at - before < timedelta(seconds=65)
    assert events_of(order_id) == ["payment.created", "attempt.unknown"]


def test_not_found_puts_the_same_operation_back_in_line(purchase):
    _, order_id, operation_id = purchase

    with transaction.atomic():
        payment_outcomes.record(operation_id=operation_id, result=NOT_FOUND)
        found = operation(operation_id)
        # Out of the workers' sight again before the commit: this gateway does not exist.
        PaymentOperation.objects.filter(pk=operation_id).update(next_attempt_at=now() + timedelta(days=1))

    assert (found.state, found.lease_owner) == (OperationState.REQUESTED, None)
    assert found.next_attempt_at <= now()
    assert [payment.state for payment in payments_of(order_id)] == ["processing"]


def test_another_amount_than_ours_is_never_booked(purchase):
    shop, order_id, operation_id = purchase

    payment_outcomes.record(
        operation_id=operation_id, result=GatewayResult(Outcome.SUCCEEDED, provider_ref="ch_1", amount_minor=999)
    )

    assert operation(operation_id).state == OperationState.UNKNOWN
    assert shop.read(order_id)["payment_status"] == "pending"
    assert [payment.captured_minor for payment in payments_of(order_id)] == [0]
