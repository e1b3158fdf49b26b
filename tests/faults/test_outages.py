"""Orders are accepted while everything but the PostgreSQL primary is away, and recorded when it is back."""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from core.env import env
from deploy.local.control import Stack
from payments_ledger.reconciliation.verify import verify
from tests.factories.ledger_events import until_cassandra_answers
from tests.storefront import Storefront, events_of, payments_of, recorded_seq
from tests.waiting import eventually

ANSWER_SECONDS_MAX = 10.0


@pytest.mark.parametrize("server", ["kafka", "cassandra", "redis"])
def test_orders_are_accepted_while_a_server_is_stopped_and_recorded_after(stack: Stack, server):
    shop = Storefront(wallet_minor=10_000)
    product = shop.product(price_minor=100)
    stack.stop(server)

    started = time.monotonic()
    orders = [shop.order(product) for _ in range(3)]
    answers = [shop.checkout(order_id) for order_id in orders]
    elapsed = time.monotonic() - started
    ready = httpx.get(f"{env.str('WEB_URL')}/readyz", timeout=10).status_code

    assert [answer.json()["payment_status"] for answer in answers] == ["paid"] * 3
    assert elapsed < ANSWER_SECONDS_MAX
    assert ready == 200
    if server != "redis":
        time.sleep(1)
        assert [shop.read(order_id)["ledger"]["recorded"] for order_id in orders] == [False] * 3
    stack.start(server)
    for order_id in orders:
        shop.recorded(order_id, seconds_max=90)
    until_cassandra_answers()
    today = datetime.now(UTC).date()
    report = verify(first_day=today - timedelta(days=1), last_day=today)
    assert [difference.sentence() for difference in report.differences] == []


def test_a_card_is_charged_once_when_the_provider_is_away_at_first(stack: Stack):
    shop = Storefront()
    order_id = shop.order(shop.product(price_minor=1_500))
    stack.stop("provider")
    assert shop.pay_by_card(order_id, "tok_approve").status_code == 202
    eventually(lambda: "attempt.unknown" in events_of(order_id), what="the outcome is unknown")
    assert shop.read(order_id)["payment_status"] == "pending"

    stack.start("provider")

    assert shop.settled(order_id)["payment_status"] == "paid"
    (payment,) = payments_of(order_id)
    assert payment.captured_minor == 1_500


@pytest.mark.parametrize("program", ["relay", "ledger"])
def test_a_killed_process_loses_and_doubles_nothing(stack: Stack, program):
    shop = Storefront(wallet_minor=100_000)
    product = shop.product(price_minor=10, stock=1_000)
    orders = [shop.order(product) for _ in range(60)]

    with ThreadPoolExecutor(4) as pool:
        paying = [pool.submit(shop.checkout, order_id) for order_id in orders]
        for _ in range(3):
            time.sleep(0.4)
            # The supervisor may still be starting the one that takes the killed one's place.
            eventually(lambda: stack.pid(program), what=f"{program} runs again")
            stack.kill(program)
        answers = [payment.result() for payment in paying]

    assert {answer.status_code for answer in answers} == {200}
    for order_id in orders:
        shop.recorded(order_id, seconds_max=90)
        (payment,) = payments_of(order_id)
        assert recorded_seq(payment.id) == payment.seq == 1
    assert shop.balance_minor() == 100_000 - 60 * 10


@pytest.mark.parametrize("program", ["gateway", "tasks", "provider"])
def test_a_process_killed_in_the_middle_of_a_charge_charges_once(stack: Stack, program):
    shop = Storefront()
    orders = [shop.order(shop.product(price_minor=250)) for _ in range(6)]
    for order_id in orders:
        assert shop.pay_by_card(order_id, "tok_slow").status_code == 202
    time.sleep(0.3)

    stack.kill(program)

    for order_id in orders:
        assert shop.settled(order_id, seconds_max=90)["payment_status"] == "paid"
        (payment,) = payments_of(order_id)
        assert payment.captured_minor == 250


def test_a_web_process_killed_under_load_leaves_every_purchase_whole(stack: Stack):
    shop = Storefront(wallet_minor=100_000)
    product = shop.product(price_minor=10, stock=1_000)
    orders = [shop.order(product) for _ in range(40)]

    def pay(order_id: str) -> int:
        for _ in range(60):
            try:
                return shop.checkout(order_id, key=f"key-{order_id}").status_code
            except httpx.HTTPError:
                time.sleep(0.25)
        return 0

    with ThreadPoolExecutor(4) as pool:
        paying = [pool.submit(pay, order_id) for order_id in orders]
        time.sleep(0.2)
        stack.kill("web")
        statuses = [payment.result() for payment in paying]

    assert set(statuses) == {200}
    assert shop.balance_minor() == 100_000 - 40 * 10
    assert [payments_of(order_id)[0].captured_minor for order_id in orders] == [10] * 40
