"""Rivals at one draft order: nobody pays a total that its lines do not have."""

import uuid
from concurrent.futures import ThreadPoolExecutor

from core.orders.models import Order, OrderLine
from tests.storefront import Storefront, payments_of


def test_of_many_changes_of_what_was_seen_one_goes_through():
    shop = Storefront()
    order_id = shop.order(shop.product(price_minor=100))
    order = shop.client.get(f"orders/{order_id}")
    line = f"orders/{order_id}/lines/{order.json()['lines'][0]['id']}"

    def change(quantity: int) -> int:
        answer = shop.client.patch(line, json={"quantity": quantity}, headers={"If-Match": order.headers["ETag"]})
        return answer.status_code

    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(change, range(2, 10)))

    assert sorted(statuses) == [200] + [412] * 7
    assert shop.read(order_id)["lines"][0]["quantity"] == statuses.index(200) + 2


def test_lines_added_at_once_have_positions_of_their_own():
    shop = Storefront()
    product = shop.product(price_minor=100)
    order_id = shop.order(product)

    def add(quantity: int) -> int:
        body = {"product_id": str(product.id), "quantity": quantity}
        headers = {"Idempotency-Key": uuid.uuid4().hex}
        return shop.client.post(f"orders/{order_id}/lines", json=body, headers=headers).status_code

    with ThreadPoolExecutor(6) as pool:
        statuses = list(pool.map(add, range(1, 7)))

    order = shop.read(order_id)
    assert statuses == [201] * 6
    assert [line["position"] for line in order["lines"]] == [1, 2, 3, 4, 5, 6, 7]
    assert order["total"]["amount_minor"] == 100 * (1 + sum(range(1, 7)))


def test_what_is_paid_is_the_total_of_the_lines_whoever_is_first():
    shop = Storefront(wallet_minor=100_000)
    product = shop.product(price_minor=100, stock=1_000)

    for _ in range(10):
        order_id = shop.order(product)
        line = f"orders/{order_id}/lines/{shop.read(order_id)['lines'][0]['id']}"
        with ThreadPoolExecutor(2) as pool:
            paying = pool.submit(shop.checkout, order_id)
            changing = pool.submit(shop.client.patch, line, json={"quantity": 7})
        order, (payment,) = Order.objects.get(pk=order_id), payments_of(order_id)

        assert paying.result().status_code == 200
        assert changing.result().status_code in (200, 409)
        assert order.total_minor == sum(OrderLine.objects.filter(order=order).values_list("amount_minor", flat=True))
        assert payment.captured_minor == order.total_minor == (700 if changing.result().status_code == 200 else 100)
