"""Rivals between the two statements of a wallet checkout, and before its locks: one winner, and the loser is told."""

import uuid
from threading import Thread

from core.api.models import IdempotencyRecord
from core.catalog.models import Product
from core.orders.models import Order
from tests.checkout_client import CheckoutClient, before_first, rival
from tests.storefront import Storefront, payments_of
from tests.waiting import eventually


def test_stock_sold_after_it_was_read_is_refused_and_the_refusal_kept():
    shop = Storefront(wallet_minor=1_000)
    product = shop.product(price_minor=100, stock=1)
    order_id = shop.order(product)
    buyer = CheckoutClient(shop.user)

    with before_first("wallet_checkout_write", lambda: set_stock(product, 0)):
        answer = buyer.checkout(order_id, key="late")

    set_stock(product, 1)
    assert (answer.status_code, answer.json()["code"]) == (409, "out_of_stock")
    assert buyer.statements.count("ROLLBACK") == 1
    assert IdempotencyRecord.objects.get(user_id=shop.user.id, key="late").status == 409
    assert (shop.balance_minor(), payments_of(order_id)) == (1_000, [])


def test_of_two_products_the_one_that_is_left_stays():
    shop = Storefront(wallet_minor=1_000)
    left, gone = shop.product(price_minor=100, stock=5), shop.product(price_minor=100, stock=1)
    lines = [{"product_id": str(product.id), "quantity": 1} for product in (left, gone)]
    order_id = shop.client.post("orders", json={"lines": lines}).json()["id"]

    with before_first("wallet_checkout_write", lambda: set_stock(gone, 0)):
        answer = CheckoutClient(shop.user).checkout(order_id)

    set_stock(gone, 1)
    left.refresh_from_db()
    assert (answer.status_code, answer.json()["product_ids"], left.stock) == (409, [str(gone.id)], 5)


def test_an_answer_that_came_after_the_key_was_looked_up_is_replayed():
    shop = Storefront(wallet_minor=1_000)
    order_id = shop.order(shop.product(price_minor=100))
    buyer = CheckoutClient(shop.user)
    buyer.checkout(order_id, key="other")
    first = IdempotencyRecord.objects.get(user_id=shop.user.id, key="other")

    def answer_meanwhile() -> None:
        with rival() as cursor:
            cursor.execute(
                "INSERT INTO api_idempotencyrecord (user_id, key, fingerprint, status, body, location)"
                " SELECT user_id, 'same', fingerprint, status, body, location FROM api_idempotencyrecord WHERE id = %s",
                [first.id],
            )

    with before_first("wallet_checkout_refuse", answer_meanwhile):
        answer = buyer.checkout(order_id, key="same")

    assert (answer.status_code, answer.headers["Idempotent-Replayed"]) == (200, "true")
    assert answer.content == bytes(first.body)
    assert len(payments_of(order_id)) == 1


def test_an_order_that_changed_while_its_lock_was_awaited_is_read_again():
    shop = Storefront(wallet_minor=1_000)
    order_id = shop.order(shop.product(price_minor=100), quantity=1)
    answers = []
    buying = Thread(target=lambda: answers.append(CheckoutClient(shop.user).checkout(order_id)))

    with rival() as cursor:
        cursor.execute("BEGIN")
        cursor.execute("SELECT 1 FROM orders_order WHERE id = %s FOR NO KEY UPDATE", [order_id])
        buying.start()
        eventually(lambda: waits_for(cursor), what="the checkout waits for the order")
        cursor.execute("UPDATE orders_orderline SET quantity = 3, amount_minor = 300 WHERE order_id = %s", [order_id])
        cursor.execute("UPDATE orders_order SET total_minor = 300 WHERE id = %s", [order_id])
        cursor.execute("COMMIT")
    buying.join(30)

    (answer,) = answers
    assert answer.status_code == 200
    assert [line["quantity"] for line in answer.json()["lines"]] == [3]
    assert shop.balance_minor() == 700


def test_a_key_that_is_being_worked_on_is_refused_at_once():
    shop = Storefront(wallet_minor=1_000)
    order_id = shop.order(shop.product(price_minor=100))
    key = uuid.uuid4().hex
    with rival() as cursor:
        cursor.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", [f"{shop.user.id}:{key}"])

        refused = CheckoutClient(shop.user).checkout(order_id, key=key)

    assert (refused.status_code, refused.json()["code"], refused.headers["Retry-After"]) == (
        409,
        "idempotency_key_in_flight",
        "1",
    )
    assert Order.objects.get(pk=order_id).fulfilment_status == "draft"


def set_stock(product: Product, pieces: int) -> None:
    with rival() as cursor:
        cursor.execute("UPDATE catalog_product SET stock = %s WHERE id = %s", [pieces, str(product.id)])


def waits_for(cursor) -> bool:
    """Whether another session waits for a lock that this one holds."""
    cursor.execute(
        "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid)))"
    )
    return bool(cursor.fetchone()[0])
