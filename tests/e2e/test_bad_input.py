"""Input that could be read in two ways, or could not be stored, is refused with 400 and never answered with 500.

What hostile clients try, by row of the security checklist, and where it is tried here (28 to 35 mostly in this file):

    1, 3, 6, 7, 40     another's objects, nested ids, staff routes, OPTIONS, nobody: test_authority.py
    2, 50, 51          foreign filters, allow-lists, page caps: test_lists.py
    4, 5, 11           properties that are not theirs, orders that are paid, prices: test_purchase.py, test_accounts.py,
                       test_order_lines.py
    9, 12, 18, 19      integers and sums, keys absent and malformed: here, test_purchase.py, test_order_lines.py
    14, 15, 16, 17     stock, and one key many times, for another body or by another user: tests/races, test_purchase.py
    22                 another currency: test_order_lines.py
    28 to 35           content types, sizes, numbers, BOM, NUL, surrogates, depth, repeated names: here
    36 to 39           forged, expired, used and withdrawn tokens, timing, guessing: test_tokens.py, tests/faults
    42, 43, 44, 47     admin, foreign sites and hosts, headers, error pages: test_platform.py, test_authority.py
    45, 46, 49         deployment: tests/architecture/test_deployment.py
    48                 card numbers: test_card_numbers.py
"""

import httpx
import pytest

from core.env import env
from tests.storefront import Storefront

JSON = {"Content-Type": "application/json"}

BODIES = {
    "infinity": b'{"lines": [], "x": Infinity}',
    "infinite float": b'{"lines": [], "x": 1e400}',
    "integer over 64 bits": b'{"lines": [], "x": 18446744073709551616}',
    "negative integer over 64 bits": b'{"lines": [], "x": -9223372036854775809}',
    "integer of 5,000 digits": b'{"lines": [], "x": ' + b"7" * 5_000 + b"}",
    "BOM": b"\xef\xbb\xbf" + b'{"lines": []}',
    "latin-1": '{"lines": [], "x": "é"}'.encode("latin-1"),
    "utf-16": '{"lines": []}'.encode("utf-16"),
    "repeated name": b'{"lines": [], "lines": []}',
    "repeated name inside": b'{"lines": [{"quantity": 1, "quantity": -5}]}',
    "repeated name, escaped": b'{"lines": [], "\\u006cines": []}',
    "NUL in a name": b'{"lines": [], "a\\u0000": 1}',
    "surrogate in a name": b'{"lines": [], "\\ud800": 1}',
    "33 levels": b'{"lines": ' + b"[" * 32 + b"]" * 32 + b"}",
    "objects, 100,000 deep": b'{"a":' * 30_000,
    "two documents": b'{"lines": []}{"lines": []}',
    "single quotes": b"{'lines': []}",
    "comment": b'{"lines": [] /* none */}',
    "trailing comma": b'{"lines": [],}',
}


@pytest.mark.parametrize("body", BODIES)
def test_a_body_that_can_be_read_in_two_ways_is_refused(body):
    answer = Storefront().client.post("orders", content=BODIES[body], headers=JSON)

    assert (answer.status_code, answer.json()["code"]) == (400, "parse_error")
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_a_number_that_64_bits_hold_is_read_and_an_unknown_name_is_ignored():
    shop = Storefront()
    product = shop.product()
    line = f'{{"product_id": "{product.id}", "quantity": 1}}'

    answer = shop.client.post(
        "orders", content=f'{{"lines": [{line}], "x": [9223372036854775807, 1e300, -1]}}', headers=JSON
    )

    assert answer.status_code == 201


ADDRESSES = {
    "NUL in a query": "orders?name=%00",
    "NUL in a query's name": "orders?a%00b=1",
    "bytes that are no UTF-8": "orders?name=%ff%fe",
    "a surrogate": "orders?name=%ed%a0%80",
    "NUL in a path": "orders/%00",
    "NUL in a path of no view": "nothing%00here",
}


@pytest.mark.parametrize("address", ADDRESSES)
def test_an_address_that_no_store_could_keep_is_refused(address):
    answer = httpx.get(f"{env.str('WEB_URL')}/api/v1/{ADDRESSES[address]}")

    assert (answer.status_code, answer.json()["code"]) == (400, "bad_request")
    assert answer.headers["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize(
    "identifier", ["0", "1", "x", "%ff", "9" * 40, "00000000-0000-0000-0000-00000000000g", "%2e%2e"]
)
def test_an_id_that_is_no_uuid_is_not_found(identifier):
    answer = Storefront().client.get(f"orders/{identifier}")

    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


KEYS = {
    "none": (None, "idempotency_key_required"),
    "empty": (b"", "idempotency_key_required"),
    "256 characters": (b"x" * 256, "idempotency_key_malformed"),
    "a space": (b"a b", "idempotency_key_malformed"),
    # The server hands on no value of a header that is no ASCII.
    "no ASCII": ("schl\u00fcssel".encode(), "idempotency_key_required"),
}


@pytest.mark.parametrize("key", KEYS)
def test_a_key_that_cannot_be_kept_is_refused_and_nothing_is_paid(key):
    shop = Storefront(wallet_minor=5_000)
    order_id = shop.order(shop.product())
    sent, code = KEYS[key]

    answer = shop.client.post(
        f"orders/{order_id}/checkout",
        json={"method": "wallet"},
        headers=[] if sent is None else [(b"Idempotency-Key", sent)],
    )

    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert shop.balance_minor() == 5_000


def test_a_header_of_ten_kilobytes_is_refused_before_anything_is_read():
    answer = Storefront().client.post("orders", json={"lines": []}, headers={"Idempotency-Key": "x" * 10_000})

    assert 400 <= answer.status_code < 500


@pytest.mark.parametrize("quantity", ["1.0", " 7 ", "\uff11", "1_000", 1.0, "1e0", {}, ["1"]])
def test_what_only_resembles_an_integer_is_refused(quantity):
    shop = Storefront()

    answer = shop.client.post("orders", json={"lines": [{"product_id": str(shop.product().id), "quantity": quantity}]})

    assert (answer.status_code, answer.json()["code"]) == (400, "invalid")
