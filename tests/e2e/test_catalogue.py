"""The catalogue as anybody may read it."""

import httpx

from core.env import env
from tests.storefront import Storefront

API = f"{env.str('WEB_URL')}/api/v1"


def skus(query: str) -> list[str]:
    return [product["sku"] for product in httpx.get(f"{API}/products?limit=100&{query}").json()["data"]]


def test_only_what_can_be_bought_now_is_available():
    shop = Storefront()
    in_stock = shop.product(price_minor=5, stock=1).sku
    sold_out = shop.product(price_minor=5, stock=0).sku
    without_price = shop.product(price_minor=0, stock=1).sku

    everything, available = skus(""), skus("available=true")

    assert {in_stock, sold_out, without_price} <= set(everything)
    assert in_stock in available
    assert not {sold_out, without_price} & set(available)


def test_pages_follow_each_other_without_gap_or_overlap():
    shop = Storefront()
    made = [shop.product().sku for _ in range(5)]

    first = httpx.get(f"{API}/products?limit=3").json()
    second = httpx.get(first["next"]).json()

    assert first["has_more"] is True
    found = [product["sku"] for product in [*first["data"], *second["data"]]]
    assert found[:5] == made[::-1]
    assert httpx.get(second["previous"]).json()["data"] == first["data"]


def test_a_page_has_at_most_a_hundred_and_nonsense_is_refused():
    assert len(httpx.get(f"{API}/products?limit=1000000000").json()["data"]) <= 100
    answer = httpx.get(f"{API}/products?available=perhaps")
    assert (answer.status_code, answer.json()["errors"][0]["attr"]) == (400, "available")
