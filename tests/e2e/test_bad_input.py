"""Input that could be read in two ways, or could not be stored, is refused with 400 and never answered with 500.

Of the checklist of hostile input: 9 (integers), 28 (content type, size, no object), 29 (NaN, infinity, huge integers,
BOM, latin-1), 30 and 31 (NUL and lone surrogates), 32 (depth), 33 (NUL in a query), 34 (repeated names), 35 (NUL in a
path). Size, content type and quantities are tested with the purchase in test_purchase.py, card numbers in
test_card_numbers.py, signing in in test_tokens.py.
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
