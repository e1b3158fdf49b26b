"""Waiting for an outcome without Redis."""

import os
import signal

import pytest

from deploy.local.control import Stack
from tests.storefront import Storefront


@pytest.mark.parametrize("fault", ["stopped", "hung"])
def test_without_redis_a_purchase_is_still_settled_in_one_call(stack: Stack, fault):
    shop = Storefront()
    order_id = shop.order(shop.product())
    pid = stack.pid("redis")
    assert pid is not None
    if fault == "hung":
        os.kill(pid, signal.SIGSTOP)
    else:
        stack.stop("redis")

    try:
        answer = shop.client.post(
            f"orders/{order_id}/checkout",
            json={"method": "card", "token": "tok_approve"},
            headers={"Idempotency-Key": "k", "Prefer": "wait=15"},
        )
    finally:
        if fault == "hung":
            os.kill(pid, signal.SIGCONT)

    assert (answer.status_code, answer.json()["payment_status"]) == (200, "paid")
    assert answer.headers["Preference-Applied"] == "wait=15"
    assert answer.elapsed.total_seconds() < 10
