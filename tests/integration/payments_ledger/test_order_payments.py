"""Reading what the ledger has recorded of an order: the owner and staff may, others learn nothing."""

import uuid
from datetime import UTC, datetime

import pytest
from rest_framework.test import APIRequestFactory, force_authenticate

from core.accounts.models import User
from core.orders.models import Order
from payments_ledger import session
from payments_ledger.api.views import OrderPaymentsView
from payments_ledger.selectors.payments import payment_state, payments_of_order
from tests.factories.ledger_events import history_of_payment, insert_history, own_noon, record


@pytest.fixture
def owner():
    return User.objects.create(email=f"{uuid.uuid4().hex}@example.org", password="!")


@pytest.fixture
def order(owner):
    return Order.objects.create(user=owner, currency="GBP", created_at=datetime.now(UTC))


@pytest.fixture
def bodies(order, owner):
    noon = own_noon()
    made = [
        *history_of_payment(events=1, booked_at=noon, order_id=str(order.id), status_after="failed", captured_minor=0),
        *history_of_payment(events=2, booked_at=noon, order_id=str(order.id), user_id=str(owner.id)),
    ]
    insert_history(made)
    record(made)
    return made


def read(order_id, user):
    request = APIRequestFactory().get(f"/api/v1/ledger/orders/{order_id}/payments")
    force_authenticate(request, user)
    return OrderPaymentsView.as_view()(request, order_id=order_id)


def test_payments_come_with_their_events_in_order(order, bodies):
    payments = {str(payment.payment_id): payment for payment in payments_of_order(order.id)}

    assert {payment_id: payment.version for payment_id, payment in payments.items()} == {
        bodies[0]["payment_id"]: 1,
        bodies[1]["payment_id"]: 2,
    }
    captured = payments[bodies[1]["payment_id"]]
    assert [event.seq for event in captured.events] == [1, 2]
    assert captured.events[1].booked_at == datetime.fromisoformat(bodies[2]["booked_at"])
    assert (captured.status, captured.captured_minor) == ("captured", 1250)


def test_the_latest_state_is_that_of_the_last_event(bodies):
    state = payment_state(uuid.UUID(bodies[1]["payment_id"]))

    assert state is not None
    assert (state["version"], state["status"], state["captured_minor"]) == (2, "captured", 1250)
    assert payment_state(uuid.uuid4()) is None


def test_the_owner_sees_amounts_in_minor_units(order, owner, bodies):
    answer = read(order.id, owner)

    assert answer.status_code == 200
    shown = {payment["payment_id"]: payment for payment in answer.data["data"]}
    assert shown[bodies[1]["payment_id"]]["captured"] == {"amount_minor": 1250, "currency": "GBP"}
    assert len(shown) == 2


def test_a_stranger_learns_nothing(order, bodies):
    stranger = User.objects.create(email=f"{uuid.uuid4().hex}@example.org", password="!")

    assert read(order.id, stranger).status_code == 404


def test_staff_sees_every_order(order, bodies):
    staff = User.objects.create(email=f"{uuid.uuid4().hex}@example.org", password="!", is_staff=True)

    assert len(read(order.id, staff).data["data"]) == 2


def test_an_order_without_payments_has_none(order, owner):
    assert read(order.id, owner).data == {"data": []}


def test_while_cassandra_is_away_the_answer_is_503_and_says_when_to_try_again(order, owner, settings):
    session.close()
    settings.LEDGER = {**settings.LEDGER, "PORT": 1}
    try:
        answer = read(order.id, owner)
    finally:
        session.close()

    assert (answer.status_code, answer.data["code"], answer["Retry-After"]) == (503, "ledger_unavailable", "2")
