"""What a client is told is so. Only a broken connection may leave it not knowing, and the same key then tells it.

Buyers check out while connections break and web processes are killed, with a wallet that is enough for about
half of it: told paid is paid, told refused is not, and not told is told by a retry, with one charge in every case.
"""

import json
import os
import random
import signal
import socket
import struct
import time
from collections import Counter
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from core.env import env
from core.orders.models import Order
from core.payments.models import Payment, Voucher, Wallet
from deploy.local.control import Stack
from tests.merchant import Merchant, voucher, wallet
from tests.waiting import eventually

PRICE = 100
BUYERS = 8
KILLS = 5
FULL = [pytest.mark.full, pytest.mark.timeout(1_800)]


@dataclass(frozen=True)
class Told:
    """What one client knows after its first request: a status, or nothing because the connection broke."""

    order_id: str
    path: str
    body: dict[str, object]
    key: str
    status: int | None = None


class Shoppers:
    """`count` orders of one merchant, of which the money is enough for about half."""

    def __init__(self, count: int) -> None:
        self.opening_minor = PRICE * count // 2
        self.merchant = Merchant(wallet_minor=self.opening_minor)
        self.code = self.merchant.voucher(PRICE * count)
        self.product = self.merchant.product(price_minor=PRICE, stock=count)
        self.requests = [self._request(number) for number in range(count)]

    def _request(self, number: int) -> Told:
        order_id = self.merchant.order(self.product)
        if number % 3:
            return Told(order_id, f"orders/{order_id}/checkout", {"method": "wallet"}, f"key-{order_id}")
        parts = [wallet(PRICE // 2), voucher(PRICE // 2, self.code)]
        return Told(order_id, f"orders/{order_id}/payments", {"instruments": parts}, f"key-{order_id}")

    def send(self, request: Told) -> Told:
        """As a client that reads the answer, if one comes. It calls again only where nobody took its call."""
        status = None
        with suppress(httpx.HTTPError):
            answer = eventually(lambda: self._call(request), seconds_max=60, what="somebody takes the call")
            status = answer.status_code
            if status == 200:
                assert answer.json()["payment_status"] == "paid"
        return Told(request.order_id, request.path, request.body, request.key, status)

    def _call(self, request: Told) -> httpx.Response | None:
        try:
            return self.merchant.post(request.path, request.body, key=request.key)
        except httpx.ConnectError:
            return None

    def hang_up(self, request: Told) -> Told:
        """As a client that goes away before, while or after its request is read."""
        address = urlsplit(env.str("WEB_URL"))
        body = json.dumps(request.body).encode()
        head = (
            f"POST /api/v1/{request.path} HTTP/1.1\r\nHost: {address.netloc}\r\nContent-Type: application/json\r\n"
            f"Authorization: {self.merchant.client.headers['Authorization']}\r\n"
            f"Idempotency-Key: {request.key}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        with socket.create_connection((address.hostname or "", address.port or 80)) as connection:
            connection.sendall(head.encode() + body)
            time.sleep(random.choice([0, 0, 0.002, 0.01, 0.03]))
            if random.random() < 0.5:
                # Reset instead of an orderly end: the server's answer meets an error.
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        return request

    def prove(self, told: list[Told]) -> Counter[str]:
        """Hold what was told against PostgreSQL, ask again where nothing was; what became of them."""
        became: Counter[str] = Counter()
        for one in told:
            if one.status == 200:
                assert self._charges(one.order_id) == [PRICE], "told paid, and it is not"
            elif one.status is not None:
                assert one.status in (402, 409, 503), one
                assert self._charges(one.order_id) == [], "told refused, and it is paid"
            else:
                was_charged = self._charges(one.order_id) == [PRICE]
                answer = eventually(partial(self._ask_again, one), what="an answer")
                assert answer in ((200,) if was_charged else (200, 402)), one
                assert self._charges(one.order_id) == ([PRICE] if answer == 200 else [])
            became["not told" if one.status is None else str(one.status)] += 1
        self._prove_books()
        return became

    def _ask_again(self, one: Told) -> int | None:
        status = self.send(one).status
        # Its first request may still be worked on, and a killed web process may still be starting.
        return None if status in (None, 409, 502, 503) else status

    @staticmethod
    def _charges(order_id: str) -> list[int]:
        """What the order was charged in all: nothing, or one amount; it is paid exactly then."""
        charged = sum(payment.captured_minor for payment in Payment.objects.filter(order_id=order_id))
        assert (Order.objects.get(pk=order_id).payment_status == "paid") == (charged == PRICE)
        return [charged] if charged else []

    def _prove_books(self) -> None:
        payments = Payment.objects.filter(order_id__in=[request.order_id for request in self.requests])
        taken: Counter[str] = Counter()
        for payment in payments:
            taken[payment.payment_type] += payment.captured_minor
        purse, code = Wallet.objects.get(user=self.merchant.user), Voucher.objects.get(code=self.code)
        assert (purse.balance_minor, purse.held_minor) == (self.opening_minor - taken["wallet"], 0)
        assert (code.balance_minor, code.held_minor) == (code.issued_minor - taken["voucher"], 0)
        self.product.refresh_from_db()
        assert self.product.stock == len(self.requests) - sum(taken.values()) // PRICE


@pytest.mark.parametrize("count", [96, pytest.param(400, marks=FULL)])
def test_a_client_that_hangs_up_is_told_by_its_next_request(count):
    shoppers = Shoppers(count)

    with ThreadPoolExecutor(BUYERS) as pool:
        told = list(pool.map(shoppers.hang_up, shoppers.requests))

    assert shoppers.prove(told) == {"not told": count}


@pytest.mark.parametrize("victim", ["a web worker", "the web master"])
@pytest.mark.parametrize("count", [96, pytest.param(400, marks=FULL)])
def test_whoever_is_told_paid_has_paid_though_web_processes_are_killed(stack: Stack, count, victim):
    shoppers = Shoppers(count)

    with ThreadPoolExecutor(BUYERS) as pool:
        sending = [pool.submit(shoppers.send, request) for request in shoppers.requests]
        for kills in range(KILLS):
            # Some are served between two kills.
            wanted = kills * count // (2 * KILLS)
            eventually(partial(are_done, sending, wanted), what="checkouts go on")
            kill(stack, victim)
        told = [one.result() for one in sending]

    stack.wait_ready("web")
    became = shoppers.prove(told)
    print(f"\n{victim} killed -9 during {count} checkouts: {dict(became)}")
    assert became["not told"] > 0


def are_done(sending: list[Future[Told]], count: int) -> bool:
    return sum(one.done() for one in sending) >= count


def kill(stack: Stack, victim: str) -> None:
    master = eventually(lambda: stack.pid("web"), what="web runs")
    if victim == "the web master":
        stack.kill("web")
        stack.wait_ready("web")
        return
    workers = Path(f"/proc/{master}/task/{master}/children").read_text().split()
    if workers:
        with suppress(ProcessLookupError):
            os.kill(int(random.choice(workers)), signal.SIGKILL)
