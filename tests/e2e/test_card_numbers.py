"""A card number gets in nowhere: not into an answer, not into the database, not into the log (row 48)."""

import json
import secrets
import socket
import uuid
from urllib.parse import quote, urlsplit

import httpx
import pytest

from core.api.models import IdempotencyRecord
from core.card_numbers import contains_card_number
from core.env import env
from deploy.local.control import Stack
from tests.storefront import Storefront
from tests.waiting import eventually


def new_card_number() -> str:
    """A number nobody sent before, so that the whole log may be searched for it."""
    while True:
        number = f"4{secrets.randbelow(10**15):015}"
        if contains_card_number(number):
            return number


def web_log() -> str:
    return Stack.from_env().layout.log("web").read_text()


def spaced(number: str) -> str:
    return " ".join(number[start : start + 4] for start in range(0, 16, 4))


BODIES = {
    "text": lambda number: {"lines": number},
    "integer": lambda number: {"lines": int(number)},
    "float": lambda number: {"lines": float(int(number))},
    "spaces": lambda number: {"lines": [{"note": f"my card is {spaced(number)} 12/28"}]},
    "dashes": lambda number: {"lines": [[[spaced(number).replace(" ", "-")]]]},
    "name": lambda number: {"lines": [], number: True},
    "token": lambda number: {"method": "card", "token": f"tok_{number}"},
}


@pytest.mark.parametrize("shape", BODIES)
def test_a_card_number_in_a_body_is_refused(shape):
    number = new_card_number()

    answer = Storefront().client.post("orders", json=BODIES[shape](number))

    assert (answer.status_code, answer.json()["code"]) == (400, "card_number_refused")
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert number not in answer.text


def test_a_card_number_as_a_payment_token_is_refused_and_no_key_is_used_up():
    shop = Storefront()
    order_id = shop.order(shop.product())
    number = new_card_number()

    in_body = shop.checkout(order_id, method="card", token=f"tok_{number}", key="the-key")
    in_key = shop.checkout(order_id, key=number)

    assert (in_body.status_code, in_body.json()["code"]) == (400, "card_number_refused")
    assert (in_key.status_code, in_key.json()["code"]) == (400, "card_number_refused")
    assert not IdempotencyRecord.objects.filter(user_id=shop.user.id).exists()
    assert shop.read(order_id)["payments"] == []


@pytest.mark.parametrize("place", ["orders?note={}", "orders?note=a%20{}", "orders/{}", "orders?{}", "products/{}/x"])
@pytest.mark.parametrize("form", [str, spaced])
def test_a_card_number_in_an_address_is_refused(place, form):
    number = new_card_number()

    answer = Storefront().client.get(place.format(quote(form(number))))

    assert (answer.status_code, answer.json()["code"]) == (400, "card_number_refused")
    assert not contains_card_number(answer.text)
    assert answer.headers["X-Request-Id"]


def test_an_order_made_of_identifiers_is_no_card():
    shop = Storefront()
    product = shop.product()
    body = {"lines": [{"product_id": str(product.id), "quantity": 1}], "note": "41111111-1111-1111-1111-111111111111"}

    answer = shop.client.post("orders", json=body, headers={"Idempotency-Key": str(uuid.uuid4())})

    assert answer.status_code == 201


def test_no_card_number_gets_into_the_log_wherever_it_was_sent():
    number, marker = new_card_number(), uuid.uuid4().hex
    client = Storefront().client
    address = urlsplit(env.str("WEB_URL"))

    client.post("orders", json={"lines": number})
    client.post("orders", json={"lines": int(number)})
    client.post("orders", content=json.dumps({"lines": number})[:-1], headers={"Content-Type": "application/json"})
    client.post("orders", json={}, headers={"Idempotency-Key": number, "X-Request-Id": number})
    client.post("tokens", json={"email": f"{number}@example.org", "password": number})
    client.get(f"orders?note={number}")
    client.get(f"orders/{number}")
    httpx.get(f"{env.str('WEB_URL')}/{number}")
    client.get("accounts/me", headers={"Authorization": f"Bearer {number}", "User-Agent": number})
    with socket.create_connection((address.hostname, address.port)) as raw:
        raw.sendall(f"GET /{number} HTTP/{number}\r\n\r\n".encode())
        raw.recv(1000)
    httpx.get(f"{env.str('WEB_URL')}/api/v1/{marker}")

    log = eventually(lambda: text if marker in (text := web_log()) else None, what="the marker is logged")
    assert number not in log
    assert spaced(number) not in log
    # The search has teeth: what was sent in the address is there, masked.
    assert f"************{number[-4:]}" in log
    assert all(json.loads(line) for line in log.splitlines() if "************" in line)
