"""Shoppers who buy through the HTTP API, as a storefront would: log in, make an order, check out, wait for the end."""

import random
import time
import uuid
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import httpx

REQUEST_TIMEOUT_SECONDS = 20.0
RETRIES_MAX = 40
POLL_SECONDS = 0.25


@dataclass(frozen=True, slots=True)
class Purchase:
    """What one shopper intends: products with quantities, how to pay, and whether the button is pressed twice.

    Several instruments share the total in equal parts.
    """

    kind: str
    email: str
    lines: Sequence[tuple[str, int]]
    instruments: Sequence[dict[str, str]]
    is_sent_twice: bool = False


@dataclass(slots=True)
class Outcome:
    """What came of a purchase, as its shopper saw it. `answers` are the statuses of the checkout requests."""

    purchase: Purchase
    order_id: str = ""
    payment_status: str = ""
    answers: list[int] = field(default_factory=list)
    captured_payments: int = 0
    error: str = ""


class Shopper:
    """One signed-in user. Used by one thread at a time, but for the two at once of a double submit."""

    def __init__(self, *, base_url: str, email: str, password: str) -> None:
        self._client = httpx.Client(base_url=f"{base_url}/api/v1/", timeout=REQUEST_TIMEOUT_SECONDS)
        answer = self._client.post("tokens", json={"email": email, "password": password})
        answer.raise_for_status()
        self._client.headers["Authorization"] = f"Bearer {answer.json()['access']}"

    def close(self) -> None:
        self._client.close()

    def buy(self, purchase: Purchase) -> Outcome:
        """Make the order and check out; a 202 is left to settle. Errors go into the outcome, they are not raised."""
        outcome = Outcome(purchase)
        try:
            outcome.order_id, total_minor = self._make_order(purchase)
            path, body = _checkout_of(outcome.order_id, purchase.instruments, total_minor)
            key = str(uuid.uuid4())
            if purchase.is_sent_twice:
                with ThreadPoolExecutor(2) as both:
                    sent = [both.submit(self._send, path, body, key) for _ in range(2)]
                    outcome.answers = [request.result() for request in sent]
            else:
                outcome.answers = [self._send(path, body, key)]
        except (httpx.HTTPError, RuntimeError) as error:
            outcome.error = f"{type(error).__name__}: {error}"
        return outcome

    def settle(self, outcome: Outcome, *, deadline: float) -> None:
        """Read the order until it is no longer pending, or `deadline` (time.monotonic()) has passed."""
        while outcome.order_id:
            order = self._client.get(f"orders/{outcome.order_id}").json()
            outcome.payment_status = order["payment_status"]
            outcome.captured_payments = sum(1 for payment in order["payments"] if payment["state"] == "captured")
            if outcome.payment_status != "pending" or time.monotonic() > deadline:
                return
            time.sleep(POLL_SECONDS)

    def refund(self, order_id: str, *, amount_minor: int, times: int) -> list[int]:
        """As staff: ask `times` times under one key for a part of what an order's first payment took; the statuses."""
        payment_id = self._client.get(f"orders/{order_id}/payments").json()["data"][0]["id"]
        key = str(uuid.uuid4())
        return [self._send(f"payments/{payment_id}/refunds", {"amount_minor": amount_minor}, key) for _ in range(times)]

    def refunded_minor(self, order_id: str, *, at_least_minor: int, deadline: float) -> int:
        """What all payments of an order gave back, once that is `at_least_minor` or `deadline` has passed."""
        while True:
            payments = self._client.get(f"orders/{order_id}/payments").json()["data"]
            total_minor = sum(payment["refunded"]["amount_minor"] for payment in payments)
            if total_minor >= at_least_minor or time.monotonic() > deadline:
                return total_minor
            time.sleep(POLL_SECONDS)

    def _make_order(self, purchase: Purchase) -> tuple[str, int]:
        lines = [{"product_id": product, "quantity": quantity} for product, quantity in purchase.lines]
        answer = self._client.post("orders", json={"lines": lines})
        answer.raise_for_status()
        order = answer.json()
        return str(order["id"]), int(order["total"]["amount_minor"])

    def _send(self, path: str, body: dict[str, Any], key: str) -> int:
        """The request's final status. Retries with the same key what the server says may be retried."""
        for _ in range(RETRIES_MAX):
            answer = self._client.post(path, json=body, headers={"Idempotency-Key": key})
            if not _is_retryable(answer):
                return answer.status_code
            time.sleep(min(float(answer.headers.get("Retry-After", "1")), 2.0) * random.uniform(0.1, 0.5))
        raise RuntimeError(f"{path} was still refused after {RETRIES_MAX} tries")


def _checkout_of(order_id: str, instruments: Sequence[dict[str, str]], total_minor: int) -> tuple[str, dict[str, Any]]:
    """Where and how an order is paid with these instruments."""
    if len(instruments) == 1:
        return f"orders/{order_id}/checkout", dict(instruments[0])
    share_minor = total_minor // len(instruments)
    amounts = [total_minor - share_minor * (len(instruments) - 1)] + [share_minor] * (len(instruments) - 1)
    parts = [{**part, "amount_minor": amount} for part, amount in zip(instruments, amounts, strict=True)]
    return f"orders/{order_id}/payments", {"instruments": parts}


def _is_retryable(answer: httpx.Response) -> bool:
    if answer.status_code < 400:
        return False
    document: dict[str, Any] = answer.json()
    return bool(document.get("retryable"))
