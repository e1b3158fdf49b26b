"""Many buyers, little stock: exactly as many orders as there are pieces, and nobody sees a deadlock."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from tests.storefront import Storefront

BUYERS = 40
STOCK = 10


def test_exactly_as_many_are_sold_as_there_are():
    product = Storefront().product(price_minor=100, stock=STOCK)
    shops = [Storefront(wallet_minor=1_000) for _ in range(BUYERS)]
    orders = [(shop, shop.order(product)) for shop in shops]

    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda pair: pair[0].checkout(pair[1]), orders))

    assert Counter(answer.status_code for answer in answers) == {200: STOCK, 409: BUYERS - STOCK}
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} == {"out_of_stock"}
    product.refresh_from_db()
    assert product.stock == 0
    assert sum(shop.balance_minor() for shop in shops) == BUYERS * 1_000 - STOCK * 100


def test_orders_of_the_same_products_in_opposite_order_do_not_deadlock():
    first, second = (Storefront().product(price_minor=1, stock=10_000) for _ in range(2))
    shop = Storefront(wallet_minor=10_000)

    def make_order(number: int) -> str:
        pair = [first, second] if number % 2 else [second, first]
        lines = [{"product_id": str(product.id), "quantity": 1} for product in pair]
        return shop.client.post("orders", json={"lines": lines}).json()["id"]

    orders = [make_order(number) for number in range(30)]
    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(shop.checkout, orders))

    assert Counter(answer.status_code for answer in answers) == {200: 30}
