"""The standby policy and the promotion, on the real pair of PostgreSQL servers."""

import json
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta

import psycopg2
import pytest
from django.conf import settings
from django.db import connection

from deploy.local.control import Stack
from deploy.local.layout import StackError
from payments_ledger.reconciliation.verify import verify
from tests.storefront import Storefront, payments_of
from tests.waiting import eventually

ACCEPTED_SECONDS_MAX = 10


@pytest.fixture
def stack() -> Iterator[Stack]:
    """The stack, whole again after the test whatever the test did to it."""
    stack = Stack.from_env()
    yield stack
    stack.repair_postgres()
    stack.start_all()
    connection.close()
    eventually(lambda: not stack.layout.standby_mark.exists(), what="the standby is synchronous again")


def payments_on(port: int, order_id: str) -> list[str]:
    """States of the order's payments as one node, not whichever is primary, knows them."""
    database = settings.DATABASES["default"]
    address = {"host": "127.0.0.1", "port": port, "dbname": database["NAME"]}
    session = psycopg2.connect(**address, user=database["USER"], password=database["PASSWORD"])
    with closing(session), session.cursor() as cursor:
        cursor.execute("SELECT state FROM payments_payment WHERE order_id = %s ORDER BY created_at", (order_id,))
        return [row[0] for row in cursor.fetchall()]


def test_orders_go_on_without_the_standby_and_it_is_not_promoted_until_it_has_caught_up(stack):
    shop = Storefront(wallet_minor=10_000)
    order_id = shop.order(shop.product(price_minor=1_000))
    primary_port = stack.postgres_port("primary")
    stack.kill("postgres-standby")
    stack.stop("postgres-standby")

    began = time.monotonic()
    answer = shop.checkout(order_id)
    waited_seconds = time.monotonic() - began

    assert answer.status_code == 200
    assert waited_seconds < ACCEPTED_SECONDS_MAX
    assert "no synchronous standby streamed" in stack.layout.standby_mark.read_text()
    with pytest.raises(StackError, match="promotion refused: the standby lacks commits"):
        stack.promote()
    assert stack.postgres_port("primary") == primary_port
    assert [payment.state for payment in payments_of(order_id)] == ["captured"]

    stack.start("postgres-standby")
    eventually(lambda: not stack.layout.standby_mark.exists(), what="the guard removes the mark")

    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('synchronous_standby_names'), sync_state FROM pg_stat_replication")
        assert cursor.fetchall() == [("FIRST 1 (standby)", "sync")]
    assert payments_on(stack.postgres_port("standby"), order_id) == ["captured"]


def test_a_standby_that_returns_at_once_costs_no_mark(stack):
    shop = Storefront(wallet_minor=10_000)
    order_id = shop.order(shop.product(price_minor=1_000))
    stack.kill("postgres-standby")

    answer = shop.checkout(order_id)

    assert answer.status_code == 200
    assert not stack.layout.standby_mark.exists()
    stack.wait_ready("postgres-standby")
    assert payments_on(stack.postgres_port("standby"), order_id) == ["captured"]


def test_a_promoted_standby_has_every_order_and_the_old_primary_comes_back_behind_it(stack):
    shop = Storefront(wallet_minor=10_000)
    product = shop.product(price_minor=1_000)
    before = [shop.order(product) for _ in range(3)]
    assert [shop.checkout(order_id).status_code for order_id in before] == [200, 200, 200]
    old_primary, old_standby = stack.postgres_port("primary"), stack.postgres_port("standby")

    stack.promote()

    assert stack.postgres_port("primary") == old_standby
    assert not stack.is_running("postgres-standby")
    connection.close()
    after = eventually(lambda: accepted_order(shop, product), seconds_max=15, what="an order after the promotion")
    assert [payments_on(old_standby, order_id) for order_id in [*before, after]] == [["captured"]] * 4
    assert "has no standby yet" in stack.layout.standby_mark.read_text()
    with pytest.raises(StackError, match="promotion refused"):
        stack.promote()

    stack.repair_postgres()

    eventually(lambda: not stack.layout.standby_mark.exists(), what="the rebuilt standby is synchronous")
    assert stack.postgres_port("standby") == old_primary
    assert payments_on(old_primary, after) == ["captured"]
    for order_id in [*before, after]:
        shop.recorded(order_id)
    today = datetime.now(UTC).date()
    report = verify(first_day=today - timedelta(days=1), last_day=today)
    assert [difference.sentence() for difference in report.differences] == []

    # Back to where the test found the pair: the way there is a second promotion.
    stack.promote()
    stack.repair_postgres()
    assert (stack.postgres_port("primary"), stack.postgres_port("standby")) == (old_primary, old_standby)


def accepted_order(shop: Storefront, product) -> str | None:
    """A paid order, or None while the API's connections still go to the old primary."""
    try:
        order_id = shop.order(product)
    except (AssertionError, json.JSONDecodeError):
        return None
    return order_id if shop.checkout(order_id).status_code == 200 else None
