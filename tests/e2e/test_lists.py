"""Lists in pages: what may be asked for, what is refused by name, and cursors nobody gave out."""

import base64
from datetime import timedelta
from urllib.parse import quote

import pytest

from core.orders.models import Order
from tests.storefront import Storefront


def ids(answer) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [order["id"] for order in answer.json()["data"]]


class Buyer(Storefront):
    """Somebody with three orders, the second of which is paid."""

    def __init__(self) -> None:
        super().__init__(wallet_minor=5_000)
        product = self.product(price_minor=100)
        self.orders = [self.order(product) for _ in range(3)]
        self.checkout(self.orders[1])


@pytest.fixture(scope="module")
def shop() -> Buyer:
    return Buyer()


def test_orders_come_newest_first_or_oldest_first(shop):
    assert ids(shop.client.get("orders")) == shop.orders[::-1]
    assert ids(shop.client.get("orders?ordering=-created_at")) == shop.orders[::-1]
    assert ids(shop.client.get("orders?ordering=created_at")) == shop.orders


def test_orders_are_found_by_status_and_time(shop):
    second = Order.objects.get(pk=shop.orders[1]).created_at
    at, later = quote(second.isoformat()), quote((second + timedelta(microseconds=1)).isoformat())

    assert ids(shop.client.get("orders?payment_status=paid")) == [shop.orders[1]]
    assert ids(shop.client.get("orders?fulfilment_status=draft")) == [shop.orders[2], shop.orders[0]]
    assert ids(shop.client.get("orders?fulfilment_status=draft&payment_status=paid")) == []
    assert ids(shop.client.get(f"orders?created_from={at}")) == shop.orders[:0:-1]
    assert ids(shop.client.get(f"orders?created_before={at}")) == shop.orders[:1]
    assert ids(shop.client.get(f"orders?created_from={at}&created_before={later}")) == [shop.orders[1]]


def test_parameters_nobody_knows_are_ignored_and_show_nobody_elses_orders(shop):
    stranger = Storefront()
    names = ["user", "user_id", "user__id", "owner", "total", "is_staff"]

    for name in names:
        assert ids(stranger.client.get(f"orders?{name}={shop.user.id}")) == []


@pytest.mark.parametrize("ordering", ["created_at", "-created_at"])
def test_pages_follow_each_other_and_lead_back(shop, ordering):
    expected = shop.orders if ordering == "created_at" else shop.orders[::-1]

    first = shop.client.get(f"orders?limit=2&ordering={ordering}")
    second = shop.client.get(first.json()["next"])
    back = shop.client.get(second.json()["previous"])

    assert ids(first) + ids(second) == expected
    assert (first.json()["has_more"], second.json()["has_more"], second.json()["next"]) == (True, False, None)
    assert ids(back) == ids(first)


@pytest.mark.parametrize(
    ("query", "attr", "named"),
    [
        ("ordering=total_minor", "ordering", "One of -created_at, created_at."),
        ("ordering=user__password", "ordering", "One of -created_at, created_at."),
        ("ordering=-created_at,created_at", "ordering", "One of -created_at, created_at."),
        (
            "fulfilment_status=lost",
            "fulfilment_status",
            "One of draft, placed, confirmed, shipped, cancelled.",
        ),
        (
            "payment_status=PAID",
            "payment_status",
            "One of unpaid, pending, authorized, partially_paid, paid, partially_refunded, refunded, failed.",
        ),
        ("limit=0", "limit", "A whole number from 1 to 100."),
        ("limit=-1", "limit", "A whole number from 1 to 100."),
        ("limit=abc", "limit", "A whole number from 1 to 100."),
        ("limit=", "limit", "A whole number from 1 to 100."),
        ("limit=1.5", "limit", "A whole number from 1 to 100."),
    ],
)
def test_a_value_that_is_not_allowed_is_refused_with_those_that_are(shop, query, attr, named):
    answer = shop.client.get(f"orders?{query}")

    assert (answer.status_code, answer.json()["code"]) == (400, "invalid")
    assert [(error["attr"], error["detail"]) for error in answer.json()["errors"]] == [(attr, named)]


@pytest.mark.parametrize("moment", ["yesterday", "2026-13-01T00:00:00Z", "0001-01-01T00:00:00%2B14:00", "", "1e9"])
def test_a_time_that_is_none_is_refused(shop, moment):
    answer = shop.client.get(f"orders?created_from={moment}")

    assert (answer.status_code, [error["attr"] for error in answer.json()["errors"]]) == (400, ["created_from"])


@pytest.mark.parametrize("path", ["orders", "products"])
@pytest.mark.parametrize(
    "cursor",
    [
        "p=yesterday",
        "p=",
        "p=99999-01-01",
        "p=0001-01-01 00:00:00+14:00",
        "p=\x00",
        "o=-1",
        "o=x",
        "o=99999999999999999999",
        "p=2026-11-21&p=x",
        "r=1&p='; DROP TABLE orders_order; --",
    ],
)
def test_a_cursor_nobody_gave_out_is_refused_or_empty_and_breaks_nothing(shop, path, cursor):
    answer = shop.client.get(f"{path}?cursor={quote(base64.b64encode(cursor.encode()).decode())}")

    assert answer.status_code in (200, 400)
    if answer.status_code == 400:
        assert [error["attr"] for error in answer.json()["errors"]] == ["cursor"]


@pytest.mark.parametrize("cursor", ["x", "%", "AAAA", "/w=="])
def test_a_cursor_that_is_no_text_is_refused(shop, cursor):
    answer = shop.client.get(f"orders?cursor={quote(cursor)}")

    assert answer.status_code in (200, 400)


@pytest.mark.parametrize("limit", [100, 101, 10**9, 10**30])
def test_a_page_has_a_hundred_rows_at_most(limit):
    shop = Storefront()
    product = shop.product()
    Order.objects.bulk_create(Order(user=shop.user, currency="GBP") for _ in range(101))

    page = shop.client.get(f"orders?limit={limit}").json()
    products = shop.client.get(f"products?limit={limit}").json()

    assert (len(page["data"]), page["has_more"]) == (100, True)
    assert len(products["data"]) <= 100
    assert product.stock == 100
