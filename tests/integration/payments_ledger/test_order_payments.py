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
from tests.factories.ledger_events import insert_history, life_of_payment, own_noon, record


def member(**fields):
    return User.objects.create(email=f"{uuid.uuid4().hex}@example.org", password="!", **fields)


@pytest.fixture(scope="module")
def owner():
    return member()


@pytest.fixture(scope="module")
def order(owner):
    return Order.objects.create(user=owner, currency="GBP", created_at=datetime.now(UTC))


@pytest.fixture(scope="module")
def failed(order, owner):
    steps = [("payment.created", 1250), ("payment.failed", 1250)]
    return recorded(steps, order, owner)


@pytest.fixture(scope="module")
def disputed(order, owner):
    steps = [
        ("payment.created", 1250),
        ("payment.authorized", 1250),
        ("payment.captured", 1250),
        ("refund.requested", 250),
        ("refund.succeeded", 250),
        ("dispute.opened", 400),
    ]
    return recorded(steps, order, owner)


def recorded(steps, order, owner):
    made = life_of_payment(
        *steps,
        payment_type="card",
        provider="simulator",
        booked_at=own_noon(),
        order_id=str(order.id),
        user_id=str(owner.id),
    )
    insert_history(made)
    record(made)
    return made


def read(order_id, user):
    request = APIRequestFactory().get(f"/api/v1/ledger/orders/{order_id}/payments")
    force_authenticate(request, user)
    return OrderPaymentsView.as_view()(request, order_id=order_id)


def test_payments_come_with_their_events_in_order(order, failed, disputed):
    payments = {str(payment.payment_id): payment for payment in payments_of_order(order.id)}

    assert {payment_id: payment.version for payment_id, payment in payments.items()} == {
        failed[0]["payment_id"]: 2,
        disputed[0]["payment_id"]: 6,
    }
    payment = payments[disputed[0]["payment_id"]]
    assert [event.seq for event in payment.events] == [1, 2, 3, 4, 5, 6]
    # To the millisecond, which is what Cassandra keeps.
    booked_at = datetime.fromisoformat(disputed[1]["booked_at"])
    assert payment.events[1].booked_at == booked_at.replace(microsecond=booked_at.microsecond // 1000 * 1000)
    assert payments[failed[0]["payment_id"]].status == "failed"


def test_the_latest_state_is_that_of_the_last_event(disputed):
    state = payment_state(uuid.UUID(disputed[0]["payment_id"]))

    assert state is not None
    assert (state["version"], state["status"], state["captured_minor"], state["disputed_minor"]) == (
        6,
        "captured",
        1250,
        400,
    )
    assert payment_state(uuid.uuid4()) is None


def test_the_owner_sees_every_total_and_event_but_no_postings(order, owner, failed, disputed):
    answer = read(order.id, owner)

    assert answer.status_code == 200
    shown = {payment["payment_id"]: payment for payment in answer.data["data"]}
    assert len(shown) == 2
    payment = shown[disputed[0]["payment_id"]]
    totals = {name: payment[name] for name in ("authorized", "captured", "refunded", "disputed")}
    assert totals == {
        "authorized": {"amount_minor": 1250, "currency": "GBP"},
        "captured": {"amount_minor": 1250, "currency": "GBP"},
        "refunded": {"amount_minor": 250, "currency": "GBP"},
        "disputed": {"amount_minor": 400, "currency": "GBP"},
    }
    assert [event["event_type"] for event in payment["events"]] == [body["event_type"] for body in disputed]
    assert {event["postings"] for event in payment["events"]} == {None}


def test_staff_sees_every_order_and_its_postings(order, failed, disputed):
    shown = {payment["payment_id"]: payment for payment in read(order.id, member(is_staff=True)).data["data"]}

    assert len(shown) == 2
    assert [event["postings"] for event in shown[disputed[0]["payment_id"]]["events"]] == [
        [],
        [],
        posted(psp=1250, revenue=-1250),
        [],
        posted(psp=-250, refunds=250),
        posted(disputes_reserve=400, psp=-400),
    ]


def posted(**postings):
    named = {name.replace("psp", "psp_clearing:simulator"): amount for name, amount in postings.items()}
    return [
        {"account": name, "amount": {"amount_minor": amount, "currency": "GBP"}}
        for name, amount in sorted(named.items())
    ]


def test_a_stranger_learns_nothing(order, disputed):
    assert read(order.id, member()).status_code == 404


def test_an_order_without_payments_has_none():
    user = member()
    empty = Order.objects.create(user=user, currency="GBP", created_at=datetime.now(UTC))

    assert read(empty.id, user).data == {"data": []}


def test_while_cassandra_is_away_the_answer_is_503_and_says_when_to_try_again(order, owner, settings):
    session.close()
    settings.LEDGER = {**settings.LEDGER, "PORT": 1}
    try:
        answer = read(order.id, owner)
    finally:
        session.close()

    assert (answer.status_code, answer.data["code"], answer["Retry-After"]) == (503, "ledger_unavailable", "2")
