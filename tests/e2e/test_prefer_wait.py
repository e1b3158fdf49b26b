"""Prefer: wait=N answers how a purchase ended, in one call, and never later than N seconds."""

import time
import uuid
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from django.conf import settings

from core.accounts.models import User
from tests.storefront import Storefront

WEB_PROCESSES = 2


def pay(shop: Storefront, order_id: str, token: str, *, wait: str, key: str = "") -> httpx.Response:
    return shop.client.post(
        f"orders/{order_id}/checkout",
        json={"method": "card", "token": token},
        headers={"Idempotency-Key": key or uuid.uuid4().hex, "Prefer": wait},
    )


@pytest.mark.parametrize(("token", "status"), [("tok_approve", "paid"), ("tok_decline", "failed")])
def test_a_card_purchase_is_settled_in_one_call(token, status):
    shop = Storefront()
    order_id = shop.order(shop.product(price_minor=700))

    answer = pay(shop, order_id, token, wait="wait=15")

    assert (answer.status_code, answer.json()["payment_status"]) == (200, status)
    assert answer.headers["Preference-Applied"] == "wait=15"
    assert answer.headers["ETag"]
    assert answer.elapsed.total_seconds() < 10


def test_an_answer_is_held_no_longer_than_the_caller_waits():
    shop = Storefront()
    order_id = shop.order(shop.product())

    answer = pay(shop, order_id, "tok_timeout_after_charge", wait="wait=1")

    assert (answer.status_code, answer.json()["payment_status"]) == (202, "pending")
    assert answer.headers["Preference-Applied"] == "wait=1"
    assert answer.headers["Location"] == f"/api/v1/orders/{order_id}"
    assert 1.0 <= answer.elapsed.total_seconds() < 5.0
    assert shop.settled(order_id)["payment_status"] == "paid"


def test_the_repetition_of_a_request_waits_too():
    shop = Storefront()
    order_id = shop.order(shop.product())
    first = pay(shop, order_id, "tok_500_after_charge", wait="", key="the-key")

    second = pay(shop, order_id, "tok_500_after_charge", wait="wait=20", key="the-key")

    assert (first.status_code, first.headers.get("Preference-Applied")) == (202, None)
    assert (second.status_code, second.json()["payment_status"]) == (200, "paid")
    assert second.headers["Idempotent-Replayed"] == "true"


def test_what_is_settled_at_once_waits_for_nothing():
    shop = Storefront(wallet_minor=5_000)
    order_id = shop.order(shop.product())

    answer = shop.client.post(
        f"orders/{order_id}/checkout",
        json={"method": "wallet"},
        headers={"Idempotency-Key": "k", "Prefer": "wait=20"},
    )

    assert (answer.status_code, answer.headers.get("Preference-Applied")) == (200, None)


def test_more_waiters_than_there_are_places_for_are_answered_at_once():
    shop = Storefront()
    product = shop.product()
    orders = [shop.order(product) for _ in range(14)]

    started = time.monotonic()
    with ThreadPoolExecutor(len(orders)) as pool:
        answers = list(pool.map(lambda order: pay(shop, order, "tok_timeout_after_charge", wait="wait=3"), orders))

    held = [answer for answer in answers if "Preference-Applied" in answer.headers]
    assert {answer.status_code for answer in answers} == {202}
    assert 1 <= len(held) <= settings.WAITERS_MAX * WEB_PROCESSES
    assert time.monotonic() - started < 20
    assert {shop.settled(order)["payment_status"] for order in orders} == {"paid"}


def test_a_refund_is_settled_in_one_call():
    shop, member = Storefront(), Storefront()
    User.objects.filter(pk=member.user.id).update(is_staff=True)
    paid = pay(shop, shop.order(shop.product(price_minor=700)), "tok_approve", wait="wait=15").json()

    answer = member.client.post(
        f"payments/{paid['payments'][0]['id']}/refunds",
        json={"amount_minor": 200},
        headers={"Idempotency-Key": "k", "Prefer": "wait=15"},
    )

    assert (answer.status_code, answer.json()["state"]) == (201, "succeeded")
    assert answer.headers["Preference-Applied"] == "wait=15"
    assert shop.read(paid["id"])["payment_status"] == "partially_refunded"
