"""What the provider says, recorded: once, whoever says it and however late."""

from datetime import timedelta
from uuid import UUID

import pytest

from core.clock import now
from core.orders.services import payment_outcomes
from core.payments.domain.operation_state import Attention, OperationKind, OperationState
from core.payments.gateways.protocol import GatewayResult, Outcome
from core.payments.models import PaymentOperation
from tests import played_provider
from tests.storefront import Storefront, events_of, payments_of

AUTHORIZED = GatewayResult(Outcome.SUCCEEDED, provider_ref="ref_1", amount_minor=1_000)
DECLINED = GatewayResult(Outcome.DECLINED, provider_ref="ref_1", decline_code="card_declined", amount_minor=1_000)
NOT_FOUND = GatewayResult(Outcome.NOT_FOUND)


@pytest.fixture
def purchase(provider) -> tuple[Storefront, str, UUID]:
    """A placed order of 1000 whose authorization the provider has not decided."""
    shop = Storefront()
    order_id = shop.order(shop.product(price_minor=500, stock=10), quantity=2)
    provider.begin(order_id, shop.user.id, provider.card())
    return shop, order_id, PaymentOperation.objects.get(payment__order_id=order_id).id


def operation(operation_id: UUID) -> PaymentOperation:
    return PaymentOperation.objects.get(pk=operation_id)


def record(operation_id: UUID, result: GatewayResult) -> bool:
    with played_provider.parked():
        return payment_outcomes.record(operation_id=operation_id, result=result)


def test_an_authorization_is_recorded_once_however_often_it_is_told(purchase):
    shop, order_id, operation_id = purchase

    told = [record(operation_id, AUTHORIZED) for _ in range(3)]

    assert told == [True, False, False]
    order = shop.read(order_id)
    assert (order["payment_status"], order["fulfilment_status"]) == ("pending", "confirmed")
    (payment,) = payments_of(order_id)
    assert (payment.authorized_minor, payment.captured_minor, payment.provider_ref) == (1_000, 0, "ref_1")
    assert events_of(order_id) == ["payment.created", "payment.authorized"]


def test_a_capture_is_recorded_once_however_often_it_is_told(purchase, provider):
    shop, order_id, operation_id = purchase
    record(operation_id, AUTHORIZED)
    capture = provider.open_operation(payments_of(order_id)[0], OperationKind.CAPTURE)

    told = [provider.confirm(capture) for _ in range(3)]

    assert told == [True, False, False]
    assert shop.read(order_id)["payment_status"] == "paid"
    assert [payment.captured_minor for payment in payments_of(order_id)] == [1_000]


def test_a_late_contrary_answer_changes_nothing_and_a_person_is_told(purchase):
    shop, order_id, operation_id = purchase
    record(operation_id, DECLINED)

    late = record(operation_id, AUTHORIZED)

    assert late is False
    assert shop.read(order_id)["payment_status"] == "failed"
    assert events_of(order_id) == ["payment.created", "payment.failed"]
    assert operation(operation_id).attention == Attention.CONTRADICTED
    PaymentOperation.objects.filter(pk=operation_id).update(attention="")


def test_a_late_repetition_needs_no_attention(purchase):
    _, _, operation_id = purchase
    record(operation_id, AUTHORIZED)

    for again in (AUTHORIZED, played_provider.UNKNOWN, NOT_FOUND):
        assert record(operation_id, again) is False

    assert operation(operation_id).attention == ""


def test_a_decline_gives_the_stock_back_and_the_order_back_to_its_buyer(purchase):
    shop, order_id, operation_id = purchase
    line = shop.read(order_id)["lines"][0]

    record(operation_id, DECLINED)

    assert shop.client.get(f"products/{line['product_id']}").json()["stock"] == 10
    assert shop.read(order_id)["fulfilment_status"] == "draft"
    assert operation(operation_id).decline_code == "card_declined"


def test_no_answer_only_sets_the_next_question_and_is_told_once(purchase, settings):
    settings.OPERATION_QUERY_DELAYS_SECONDS = [60, 300]
    _, order_id, operation_id = purchase

    before = now()
    for _ in range(3):
        assert payment_outcomes.record(operation_id=operation_id, result=played_provider.UNKNOWN)

    found = operation(operation_id)
    assert found.state == OperationState.UNKNOWN
    assert timedelta(seconds=55) < found.next_attempt_at - before < timedelta(seconds=65)
    assert events_of(order_id) == ["payment.created", "attempt.unknown"]
    assert found.attention == ""


def test_after_the_last_planned_query_a_person_is_told_and_asking_goes_on(purchase, settings):
    settings.OPERATION_QUERY_DELAYS_SECONDS = [60, 300]
    _, _, operation_id = purchase
    PaymentOperation.objects.filter(pk=operation_id).update(queries=2, state=OperationState.UNKNOWN)

    record(operation_id, played_provider.UNKNOWN)

    found = operation(operation_id)
    assert (found.state, found.attention) == (OperationState.UNKNOWN, Attention.OUTCOME_UNKNOWN)
    assert found.next_attempt_at > now()


def test_a_settled_outcome_needs_no_attention_any_more(purchase, settings):
    settings.OPERATION_QUERY_DELAYS_SECONDS = [60]
    _, _, operation_id = purchase
    PaymentOperation.objects.filter(pk=operation_id).update(queries=1, state=OperationState.UNKNOWN)
    record(operation_id, played_provider.UNKNOWN)

    record(operation_id, AUTHORIZED)

    assert operation(operation_id).attention == ""


def test_not_found_puts_the_same_operation_back_in_line(purchase):
    _, order_id, operation_id = purchase
    PaymentOperation.objects.filter(pk=operation_id).update(state=OperationState.UNKNOWN)

    record(operation_id, NOT_FOUND)

    found = operation(operation_id)
    assert (found.state, found.lease_owner) == (OperationState.REQUESTED, None)
    assert [payment.state for payment in payments_of(order_id)] == ["processing"]


def test_another_amount_than_ours_is_never_booked_and_a_person_is_told(purchase):
    shop, order_id, operation_id = purchase

    record(operation_id, GatewayResult(Outcome.SUCCEEDED, provider_ref="ref_1", amount_minor=999))

    found = operation(operation_id)
    assert (found.state, found.attention) == (OperationState.UNKNOWN, Attention.AMOUNT_DIFFERS)
    assert shop.read(order_id)["payment_status"] == "pending"
    assert [payment.authorized_minor for payment in payments_of(order_id)] == [0]


def test_an_unknown_capture_leaves_the_money_held_and_is_told_once(purchase, provider):
    shop, order_id, operation_id = purchase
    record(operation_id, AUTHORIZED)
    capture = provider.open_operation(payments_of(order_id)[0], OperationKind.CAPTURE)

    provider.answer(capture, provider.UNKNOWN)
    provider.answer(capture, provider.UNKNOWN)

    assert [payment.state for payment in payments_of(order_id)] == ["authorized"]
    assert shop.read(order_id)["payment_status"] == "pending"
    assert events_of(order_id) == ["payment.created", "payment.authorized", "attempt.unknown"]


def test_what_the_provider_accepted_waits_for_the_customer(purchase, provider):
    shop, order_id, operation_id = purchase

    record(operation_id, GatewayResult(Outcome.PENDING, provider_ref="slip_1"))
    record(operation_id, played_provider.UNKNOWN)

    assert operation(operation_id).state == OperationState.ACCEPTED
    assert [payment.state for payment in payments_of(order_id)] == ["requires_action"]
    assert events_of(order_id) == ["payment.created", "attempt.action_required"]
    provider.confirm(operation(operation_id))
    provider.settle_everything()
    assert shop.read(order_id)["payment_status"] == "paid"
