"""What a provider can do to a purchase beyond its answer: webhooks of every kind, slips, disputes, outages."""

from collections import Counter
from typing import Any

import httpx
import pytest
from django.conf import settings

from core.payments.models import Payment
from deploy.demo.verdict import provider_log
from tests.storefront import Storefront, events_of, payments_of
from tests.waiting import eventually

PAID = ["payment.created", "payment.authorized", "payment.captured"]


def control(path: str, **body: object) -> dict[str, Any]:
    answer = httpx.post(f"{settings.GATEWAYS['simulator']['URL']}/v1/control/{path}", json=body)
    answer.raise_for_status()
    document: dict[str, Any] = answer.json()
    return document


def moved_minor(payment: Payment) -> dict[str, int]:
    """What the provider itself says it moved of the payment, by kind."""
    moved: Counter[str] = Counter()
    for record in provider_log():
        if record["type"] == "operation" and record["payment_id"] == str(payment.id):
            moved[str(record["kind"])] += int(str(record["moved_minor"]))
    return dict(moved)


@pytest.mark.parametrize(
    "token", ["tok_webhook_duplicate", "tok_webhook_reordered", "tok_webhook_early", "tok_webhook_only"]
)
def test_webhooks_twice_out_of_order_before_or_instead_of_the_answer_book_everything_once(token):
    shop = Storefront()
    order_id = shop.order(shop.product(price_minor=1_500))

    shop.pay_by_card(order_id, token)

    assert eventually(lambda: shop.read(order_id)["payment_status"] == "paid", what="the order is paid")
    [payment] = payments_of(order_id)
    assert events_of(order_id) == PAID
    assert moved_minor(payment) == {"authorize": 1_500, "capture": 1_500}


@pytest.mark.parametrize("token", ["tok_capture_timeout", "tok_capture_500"])
def test_capture_whose_answer_is_lost_is_asked_for_and_taken_once(token):
    shop = Storefront()
    order_id = shop.order(shop.product(price_minor=1_500))

    shop.pay_by_card(order_id, token)

    assert eventually(lambda: shop.read(order_id)["payment_status"] == "paid", what="the order is paid")
    [payment] = payments_of(order_id)
    assert events_of(order_id) == ["payment.created", "payment.authorized", "attempt.unknown", "payment.captured"]
    assert moved_minor(payment) == {"authorize": 1_500, "capture": 1_500}


@pytest.mark.parametrize(("is_paid", "status", "fulfilment"), [(True, "paid", "confirmed"), (False, "failed", "draft")])
def test_slip_waits_for_its_customer(is_paid, status, fulfilment):
    shop = Storefront()
    order_id = shop.order(shop.product(price_minor=1_500))
    shop.checkout(order_id, method="boleto", token="tok_boleto")
    [payment] = payments_of(order_id)
    eventually(lambda: "attempt.action_required" in events_of(order_id), what="the slip is issued")

    control("boleto", payment_id=str(payment.id), paid=is_paid)

    order = shop.settled(order_id)
    assert (order["payment_status"], order["fulfilment_status"]) == (status, fulfilment)


@pytest.mark.parametrize(("token", "status"), [("tok_boleto_paid", "paid"), ("tok_boleto_expired", "failed")])
def test_slip_ends_by_itself(token, status):
    shop = Storefront()
    order_id = shop.order(shop.product(price_minor=1_500))

    shop.checkout(order_id, method="boleto", token=token)

    assert eventually(lambda: shop.read(order_id)["payment_status"] == status, what=f"the order is {status}")


def test_dispute_takes_the_amount_until_it_is_won():
    shop = Storefront()
    order_id = shop.order(shop.product(price_minor=1_500))
    shop.pay_by_card(order_id, "tok_approve")
    eventually(lambda: shop.read(order_id)["payment_status"] == "paid", what="the order is paid")
    [payment] = payments_of(order_id)

    dispute = control("disputes", payment_id=str(payment.id), amount_minor=600, reason="fraudulent")
    eventually(lambda: payments_of(order_id)[0].disputed_minor == 600, what="the dispute is booked")
    control(f"disputes/{dispute['dispute_id']}", status="won")

    eventually(lambda: payments_of(order_id)[0].disputed_minor == 0, what="the dispute is won")
    assert events_of(order_id) == [*PAID, "dispute.opened", "dispute.won"]


@pytest.mark.parametrize("drops", [False, True])
def test_card_is_taken_once_after_an_outage_of_the_provider(drops):
    shop = Storefront()
    order_id = shop.order(shop.product(price_minor=1_500))
    control("outages", seconds=60, drop=drops)
    try:
        shop.pay_by_card(order_id, "tok_approve")
        eventually(lambda: "attempt.unknown" in events_of(order_id), what="the outcome is unknown")
        assert moved_minor(payments_of(order_id)[0]) == {}
    finally:
        control("outages", seconds=0)

    assert eventually(lambda: shop.read(order_id)["payment_status"] == "paid", what="the order is paid")
    assert moved_minor(payments_of(order_id)[0]) == {"authorize": 1_500, "capture": 1_500}
