"""Lines of a draft order, and changes that depend on what was seen."""

import uuid

import httpx
import pytest

from core.catalog.models import Product
from core.catalog.services.products import add_product
from core.money import Money
from tests.storefront import Storefront


def key() -> dict[str, str]:
    return {"Idempotency-Key": uuid.uuid4().hex}


def add(shop: Storefront, order_id: str, product: Product, quantity: int = 1, **headers: str) -> httpx.Response:
    body = {"product_id": str(product.id), "quantity": quantity}
    return shop.client.post(f"orders/{order_id}/lines", json=body, headers={**key(), **headers})


def line_of(shop: Storefront, order_id: str, position: int = 1) -> str:
    (line,) = [line for line in shop.read(order_id)["lines"] if line["position"] == position]
    return f"orders/{order_id}/lines/{line['id']}"


def summary(order: dict) -> list[tuple[int, int, int]]:
    return [(line["position"], line["quantity"], line["amount_minor"]) for line in order["lines"]]


def test_lines_are_added_changed_and_removed_and_the_total_follows():
    shop = Storefront(wallet_minor=10_000)
    apple, pear = shop.product(price_minor=100), shop.product(price_minor=30)
    order_id = shop.order(apple, quantity=2)

    added = add(shop, order_id, pear, quantity=3)
    changed = shop.client.patch(line_of(shop, order_id, 2), json={"quantity": 5})
    removed = shop.client.delete(line_of(shop, order_id, 1))

    assert (added.status_code, summary(added.json())) == (201, [(1, 2, 200), (2, 3, 90)])
    assert added.json()["total"] == {"amount_minor": 290, "currency": "GBP"}
    assert added.headers["Location"] == f"/api/v1/orders/{order_id}"
    assert (changed.status_code, summary(changed.json())) == (200, [(1, 2, 200), (2, 5, 150)])
    assert (removed.status_code, summary(removed.json())) == (200, [(2, 5, 150)])
    assert removed.json() == shop.read(order_id)
    assert shop.checkout(order_id).json()["payment_status"] == "paid"
    assert shop.balance_minor() == 9_850


def test_a_line_takes_the_price_of_the_moment_it_is_written():
    shop = Storefront()
    product = shop.product(price_minor=100)
    order_id = shop.order(product)
    Product.objects.filter(pk=product.pk).update(price_minor=70)

    added = add(shop, order_id, product)
    changed = shop.client.patch(line_of(shop, order_id), json={"quantity": 2, "unit_price_minor": 1, "amount_minor": 1})

    assert summary(added.json()) == [(1, 1, 100), (2, 1, 70)]
    assert summary(changed.json()) == [(1, 2, 140), (2, 1, 70)]
    assert changed.json()["total"]["amount_minor"] == 210


def test_the_same_key_adds_a_line_once():
    shop = Storefront()
    product = shop.product()
    order_id = shop.order(product)
    same = key()

    first, second = add(shop, order_id, product, **same), add(shop, order_id, product, **same)

    assert first.json() == second.json()
    assert second.headers["Idempotent-Replayed"] == "true"
    assert len(shop.read(order_id)["lines"]) == 2


def test_an_order_without_lines_is_a_draft_that_cannot_be_paid():
    shop = Storefront()
    order_id = shop.order(shop.product())

    emptied = shop.client.delete(line_of(shop, order_id))

    assert (emptied.json()["lines"], emptied.json()["total"]["amount_minor"]) == ([], 0)
    assert shop.checkout(order_id).json()["code"] == "empty_order"


def test_lines_of_an_order_that_is_paid_stay_as_they_are():
    shop = Storefront(wallet_minor=1_000)
    product = shop.product(price_minor=100)
    order_id = shop.order(product)
    line = line_of(shop, order_id)
    paid = shop.checkout(order_id).json()

    refused = [
        add(shop, order_id, product),
        shop.client.patch(line, json={"quantity": 2}),
        shop.client.delete(line),
    ]

    assert [(answer.status_code, answer.json()["code"]) for answer in refused] == [(409, "order_not_draft")] * 3
    assert shop.recorded(order_id)["lines"] == paid["lines"]


def test_what_cannot_be_ordered_is_refused_and_nothing_changes():
    shop = Storefront()
    product = shop.product(price_minor=100)
    order_id = shop.order(product)
    before = shop.read(order_id)
    gone = shop.product()
    Product.objects.filter(pk=gone.pk).update(is_active=False)
    dear = shop.product(price_minor=9_000_000_000_000_000)
    foreign = add_product(sku=uuid.uuid4().hex, name="Pullover", price=Money(5, "EUR"), opening_stock=1)

    answers = {
        "not sold any more": add(shop, order_id, gone),
        "unknown": add(shop, order_id, Product(id=uuid.uuid4())),
        "another currency": add(shop, order_id, foreign),
        "too dear": add(shop, order_id, dear),
        "none": add(shop, order_id, product, quantity=0),
        "text": shop.client.patch(line_of(shop, order_id), json={"quantity": "2"}),
        "no quantity": shop.client.patch(line_of(shop, order_id), json={}),
        "no such line": shop.client.delete(f"orders/{order_id}/lines/{uuid.uuid4()}"),
        "no key": shop.client.post(f"orders/{order_id}/lines", json={"product_id": str(product.id), "quantity": 1}),
    }

    assert {name: (answer.status_code, answer.json()["code"]) for name, answer in answers.items()} == {
        "not sold any more": (400, "product_unavailable"),
        "unknown": (400, "product_unavailable"),
        "another currency": (400, "product_unavailable"),
        "too dear": (400, "amount_too_large"),
        "none": (400, "invalid"),
        "text": (400, "invalid"),
        "no quantity": (400, "invalid"),
        "no such line": (404, "not_found"),
        "no key": (400, "idempotency_key_required"),
    }
    assert shop.read(order_id) == before


def test_an_order_has_at_most_a_hundred_lines():
    shop = Storefront()
    product = shop.product(price_minor=1)
    lines = [{"product_id": str(product.id), "quantity": 1}] * 100
    order_id = shop.client.post("orders", json={"lines": lines}).json()["id"]

    answer = add(shop, order_id, product)

    assert (answer.status_code, answer.json()["code"]) == (409, "too_many_lines")
    assert len(shop.read(order_id)["lines"]) == 100


def test_a_line_of_anothers_order_looks_like_none():
    owner, stranger = Storefront(), Storefront()
    product = owner.product()
    order_id = owner.order(product)
    line, own_order = line_of(owner, order_id), stranger.order(product)
    through_own = f"orders/{own_order}/lines/{line.rpartition('/')[2]}"

    answers = [
        add(stranger, order_id, product),
        stranger.client.patch(line, json={"quantity": 2}),
        stranger.client.delete(line, headers={"If-Match": "*"}),
        stranger.client.delete(through_own),
    ]

    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [(404, "not_found")] * 4
    assert summary(owner.read(order_id)) == [(1, 1, 1250)]


def test_the_etag_changes_with_what_is_visible_but_not_with_the_ledger():
    shop = Storefront(wallet_minor=10_000)
    product = shop.product()
    created = shop.client.post("orders", json={"lines": [{"product_id": str(product.id), "quantity": 1}]})
    order = f"orders/{created.json()['id']}"

    read = shop.client.get(order)
    added = add(shop, created.json()["id"], product)
    paid = shop.checkout(created.json()["id"])
    shop.recorded(created.json()["id"])
    recorded = shop.client.get(order)

    tags = [answer.headers["ETag"] for answer in (created, read, added, paid, recorded)]
    assert tags[0] == tags[1]
    assert len({tags[1], tags[2], tags[3]}) == 3
    assert (paid.json()["ledger"], recorded.json()["ledger"]) == ({"recorded": False}, {"recorded": True})
    assert tags[3] == tags[4]
    assert all(tag.startswith('"') and tag.endswith('"') for tag in tags)


@pytest.mark.parametrize("method", ["add", "change", "remove", "checkout"])
@pytest.mark.parametrize("stale", ['"0"', "nothing", "W/{current}", '"a", "b"'])
def test_a_change_of_what_has_changed_is_refused(method, stale):
    shop = Storefront(wallet_minor=10_000)
    product = shop.product()
    order_id = shop.order(product)
    before = shop.client.get(f"orders/{order_id}")
    if_match = {"If-Match": stale.replace("{current}", before.headers["ETag"])}

    answer = {
        "add": lambda: add(shop, order_id, product, **if_match),
        "change": lambda: shop.client.patch(line_of(shop, order_id), json={"quantity": 2}, headers=if_match),
        "remove": lambda: shop.client.delete(line_of(shop, order_id), headers=if_match),
        "checkout": lambda: shop.client.post(
            f"orders/{order_id}/checkout", json={"method": "wallet"}, headers={**key(), **if_match}
        ),
    }[method]()

    assert (answer.status_code, answer.json()["code"]) == (412, "precondition_failed")
    assert shop.read(order_id) == before.json()


@pytest.mark.parametrize("fresh", ["{current}", '"0", {current}', "*"])
def test_a_change_of_what_was_seen_goes_through(fresh):
    shop = Storefront(wallet_minor=10_000)
    order_id = shop.order(shop.product(price_minor=100))
    seen = shop.client.get(f"orders/{order_id}").headers["ETag"]

    changed = shop.client.patch(
        line_of(shop, order_id), json={"quantity": 2}, headers={"If-Match": fresh.replace("{current}", seen)}
    )
    paid = shop.client.post(
        f"orders/{order_id}/checkout",
        json={"method": "wallet"},
        headers={**key(), "If-Match": changed.headers["ETag"]},
    )

    assert (changed.status_code, paid.status_code) == (200, 200)
    assert shop.balance_minor() == 9_800
