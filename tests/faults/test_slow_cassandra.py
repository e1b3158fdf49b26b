"""Cassandra frozen, or down while the others start: orders go on, readers hear so soon, the ledger catches up."""

import re
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from core.env import env
from deploy.local.control import Stack
from outbox.models import DeadLetter
from tests.storefront import Storefront

FROZEN_SECONDS = 12
READ_SECONDS_MAX = 5.0
BOOT_SECONDS_MAX = 60.0
GROWTH_MB_MAX = 64


@pytest.fixture
def frozen(stack: Stack):
    """Cassandra keeps its connections and answers nothing, as in a long pause of its JVM."""
    stack.kill("cassandra", signal.SIGSTOP)
    yield
    stack.kill("cassandra", signal.SIGCONT)


def memory_mb(pid: int | None) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    (kilobytes,) = re.findall(r"VmRSS:\s+(\d+) kB", status)
    return int(kilobytes) / 1024


def ledger_read_seconds(shop: Storefront, order_id: str) -> tuple[int, float]:
    began = time.monotonic()
    answer = shop.client.get(f"ledger/orders/{order_id}/payments")
    return answer.status_code, time.monotonic() - began


def test_orders_go_on_while_cassandra_is_frozen(stack: Stack, request):
    shop = Storefront(wallet_minor=100_000)
    product = shop.product(price_minor=10, stock=1_000)
    known = shop.order(product)
    shop.checkout(known)
    shop.recorded(known)
    assert ledger_read_seconds(shop, known)[0] == 200
    orders = [shop.order(product) for _ in range(60)]
    letters, memory = DeadLetter.objects.count(), memory_mb(stack.pid("ledger"))
    request.getfixturevalue("frozen")
    began = time.monotonic()

    with ThreadPoolExecutor(6) as pool:
        reading = [pool.submit(ledger_read_seconds, shop, known) for _ in range(8)]
        answers = list(pool.map(shop.checkout, orders))
        reads = [read.result() for read in reading]
    time.sleep(max(0.0, FROZEN_SECONDS - (time.monotonic() - began)))
    late = ledger_read_seconds(shop, known)
    grown = memory_mb(stack.pid("ledger")) - memory
    stack.kill("cassandra", signal.SIGCONT)

    assert {(answer.status_code, answer.json()["payment_status"]) for answer in answers} == {(200, "paid")}
    assert {status for status, _ in [*reads, late]} == {503}
    assert max(seconds for _, seconds in [*reads, late]) < READ_SECONDS_MAX
    assert grown < GROWTH_MB_MAX
    for order_id in orders:
        shop.recorded(order_id, seconds_max=90)
    assert DeadLetter.objects.count() == letters


def test_web_and_ledger_start_while_cassandra_is_down(stack: Stack):
    shop = Storefront(wallet_minor=10_000)
    product = shop.product(price_minor=100)
    for program in ("cassandra", "web", "ledger"):
        stack.stop(program)

    began = time.monotonic()
    stack.start("web")
    stack.start("ledger")
    booted = time.monotonic() - began
    orders = [shop.order(product) for _ in range(3)]
    answers = [shop.checkout(order_id) for order_id in orders]
    status, seconds = ledger_read_seconds(shop, orders[0])
    ready = httpx.get(f"{env.str('WEB_URL')}/readyz", timeout=10).status_code
    stack.start("cassandra")

    assert booted < BOOT_SECONDS_MAX
    assert [answer.json()["payment_status"] for answer in answers] == ["paid"] * 3
    assert (status, ready) == (503, 200)
    assert seconds < READ_SECONDS_MAX
    for order_id in orders:
        shop.recorded(order_id, seconds_max=90)
    assert ledger_read_seconds(shop, orders[0])[0] == 200
