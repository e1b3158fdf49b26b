"""A checkout by wallet: what it asks PostgreSQL, what it leaves there, and what it answers."""

import hashlib
import json
import time
import uuid
from datetime import timedelta

import pytest
from rest_framework_simplejwt.tokens import AccessToken

from core.accounts.models import User
from core.api.models import IdempotencyRecord
from core.payments.models import PaymentEvent
from outbox.models import OutboxEvent
from tests.checkout_client import CheckoutClient
from tests.storefront import Storefront, payments_of


@pytest.fixture
def shop() -> Storefront:
    return Storefront(wallet_minor=10_000)


@pytest.fixture
def buyer(shop: Storefront) -> CheckoutClient:
    """The shop's user, whose session has prepared its statements and rung the bell a while ago."""
    client = CheckoutClient(shop.user)
    client.checkout(str(uuid.uuid4()))
    return client


def two_lines(shop: Storefront) -> str:
    lines = [{"product_id": str(shop.product(price_minor=700).id), "quantity": quantity} for quantity in (1, 2)]
    return shop.client.post("orders", json={"lines": lines}).json()["id"]


PURCHASE = ["BEGIN; EXECUTE wallet_checkout_look", "EXECUTE wallet_checkout_write; COMMIT"]


def test_a_purchase_is_two_statements_in_two_messages(shop, buyer):
    order_id = two_lines(shop)

    answer = buyer.checkout(order_id)

    assert (answer.status_code, answer.json()["payment_status"]) == (200, "paid")
    inside, after = buyer.statements[:2], buyer.statements[2:]
    assert inside == PURCHASE
    assert set(after) <= {"NOTIFY outbox_doorbell"}


def test_a_second_attempt_after_a_decline_takes_no_more(shop, buyer):
    order_id = two_lines(shop)
    shop.pay_by_card(order_id, "tok_decline")
    shop.settled(order_id)
    shop.recorded(order_id)

    answer = buyer.checkout(order_id)

    assert [payment["state"] for payment in answer.json()["payments"]] == ["failed", "captured"]
    assert buyer.statements[:2] == PURCHASE
    assert [payment["ledger"]["recorded"] for payment in answer.json()["payments"]] == [True, False]


def test_a_refusal_and_a_replay_take_no_more_than_they_must(shop, buyer):
    too_dear = shop.order(shop.product(price_minor=10_001))

    refused = buyer.checkout(too_dear, key="poor")
    statements_of_refusal = buyer.statements
    replayed = buyer.checkout(too_dear, key="poor")

    assert (refused.status_code, refused.json()["code"]) == (402, "insufficient_funds")
    assert refused.headers["Content-Type"] == "application/problem+json"
    assert statements_of_refusal == [PURCHASE[0], "EXECUTE wallet_checkout_refuse; COMMIT"]
    assert (replayed.content, replayed.headers["Idempotent-Replayed"]) == (refused.content, "true")
    assert buyer.statements == [PURCHASE[0], "ROLLBACK"]


def test_the_answer_is_what_reading_the_order_gives_and_what_is_stored(shop, buyer):
    order_id = two_lines(shop)

    answer = buyer.checkout(order_id, key="kept")

    read = buyer.read(order_id)
    stored = IdempotencyRecord.objects.get(user_id=shop.user.id, key="kept")
    document = answer.json()
    # The sink may have recorded the payment between the two.
    assert without_ledger(document) == without_ledger(read.json())
    assert list(document) == list(read.json())
    assert document["ledger"] == {"recorded": False}
    assert (stored.status, bytes(stored.body), stored.location) == (200, answer.content, answer.headers["Location"])
    assert answer.headers["Location"] == f"/api/v1/orders/{order_id}"
    assert answer.headers["Content-Type"] == "application/json"


def without_ledger(document: dict) -> dict:
    payments = [{**payment, "ledger": None} for payment in document["payments"]]
    return {**document, "payments": payments, "ledger": None}


def test_history_and_outbox_hold_the_same_canonical_body(shop, buyer):
    order_id = two_lines(shop)

    buyer.checkout(order_id)

    (payment,) = payments_of(order_id)
    event = PaymentEvent.objects.get(payment_id=payment.id)
    body = bytes(event.body)
    message = OutboxEvent.objects.get(agg_key=str(payment.id))
    assert bytes(message.payload) == body
    assert bytes(event.body_sha256) == hashlib.sha256(body).digest()
    assert json.dumps(json.loads(body), sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode() == body
    assert (message.topic, message.agg_seq, message.type) == ("payments.payment", 1, "payments.payment.captured.v1")
    assert json.loads(body)["booked_at"] == event.booked_at.isoformat(timespec="microseconds").replace("+00:00", "Z")
    assert json.loads(body)["postings"] == {"revenue": -2_100, "wallet_liability": 2_100}
    paid = OutboxEvent.objects.get(agg_key=order_id)
    assert (paid.topic, paid.agg_seq, paid.type) == ("orders.order", 1, "orders.order.paid.v1")
    assert json.loads(bytes(paid.payload))["payment_status"] == "paid"


def test_everything_moves_together(shop, buyer):
    product = shop.product(price_minor=700, stock=5)
    order_id = shop.order(product, quantity=3)

    buyer.checkout(order_id)

    product.refresh_from_db()
    (payment,) = payments_of(order_id)
    assert (product.stock, shop.balance_minor()) == (2, 7_900)
    assert (payment.state, payment.seq, payment.authorized_minor, payment.captured_minor) == (
        "captured",
        1,
        2_100,
        2_100,
    )
    assert payment.created_at == payment.last_booked_at == PaymentEvent.objects.get(order_id=order_id).booked_at


@pytest.mark.parametrize(
    ("wallet_minor", "price_minor", "stock", "status", "code"),
    [
        (1_000, 1_001, 5, 402, "insufficient_funds"),
        (0, 1_000, 5, 402, "no_wallet"),
        (1_000, 1_000, 0, 409, "out_of_stock"),
        (1_000, 0, 5, 409, "empty_order"),
    ],
)
def test_what_cannot_be_paid_changes_nothing(wallet_minor, price_minor, stock, status, code):
    shop = Storefront(wallet_minor=wallet_minor)
    product = shop.product(price_minor=price_minor, stock=5)
    order_id = shop.order(product)
    type(product).objects.filter(pk=product.pk).update(stock=stock)

    answer = CheckoutClient(shop.user).checkout(order_id)

    type(product).objects.filter(pk=product.pk).update(stock=5)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert payments_of(order_id) == []
    assert shop.read(order_id)["fulfilment_status"] == "draft"
    assert not wallet_minor or shop.balance_minor() == wallet_minor


def test_a_paid_order_and_anothers_order_are_refused(shop, buyer):
    order_id = shop.order(shop.product())
    stranger = CheckoutClient(Storefront(wallet_minor=10_000).user)
    buyer.checkout(order_id)

    again, strangers = buyer.checkout(order_id), stranger.checkout(order_id)

    assert (again.status_code, again.json()["code"]) == (409, "order_not_draft")
    assert (strangers.status_code, strangers.json()["code"]) == (404, "not_found")


@pytest.mark.parametrize("body", [{"method": "wallet"}, {"method": "card", "token": "tok_approve"}])
@pytest.mark.parametrize("change", [{"is_active": False}, {"password": "another hash"}])
def test_a_withdrawn_token_opens_nothing_from_the_next_request_on(shop, buyer, body, change):
    order_id = shop.order(shop.product())
    User.objects.filter(pk=shop.user.id).update(**change)

    answer = buyer.checkout(order_id, key="withdrawn", **body)

    assert (answer.status_code, answer.json()["code"]) == (401, "not_authenticated")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert not IdempotencyRecord.objects.filter(user_id=shop.user.id, key="withdrawn").exists()
    assert payments_of(order_id) == []


def test_a_malformed_request_is_refused_and_not_stored(shop, buyer):
    order_id = shop.order(shop.product())

    answer = buyer.checkout(order_id, key="wrong", method="wallet", token="no token")

    assert (answer.status_code, answer.json()["code"]) == (400, "invalid")
    assert not IdempotencyRecord.objects.filter(user_id=shop.user.id, key="wrong").exists()


def test_a_token_that_was_good_is_refused_once_its_time_is_over(shop):
    order_id = shop.order(shop.product())
    token = AccessToken.for_user(shop.user)
    token.set_exp(lifetime=timedelta(seconds=1))
    buyer = CheckoutClient(shop.user, token=str(token))
    assert buyer.checkout(str(uuid.uuid4())).status_code == 404

    time.sleep(2.1)
    answer = buyer.checkout(order_id)

    assert (answer.status_code, answer.json()["code"]) == (401, "not_authenticated")
    assert payments_of(order_id) == []
