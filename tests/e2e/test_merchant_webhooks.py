"""From a purchase to a merchant's web server: through Kafka, the consumer and the tasks role."""

import json
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from core.accounts.models import User
from core.webhooks.domain.signatures import HEADER, verify
from tests.receiver import Receiver, receiving
from tests.storefront import Storefront
from tests.waiting import eventually

TYPES = ["orders.order.paid.v1", "payments.payment.captured.v1"]


class Staff(Storefront):
    def __init__(self) -> None:
        super().__init__()
        User.objects.filter(pk=self.user.pk).update(is_staff=True)
        self._made: list[str] = []

    def endpoint(self, url: str, event_types: list[str] = TYPES) -> dict[str, Any]:
        answer = self.client.post("webhook-endpoints", json={"url": url, "event_types": event_types})
        assert answer.status_code == 201, answer.text
        document: dict[str, Any] = answer.json()
        self._made.append(document["id"])
        return document

    def deliveries(self, endpoint: dict[str, Any], **query: str) -> list[dict[str, Any]]:
        answer = self.client.get("webhook-deliveries", params={"endpoint_id": endpoint["id"], **query})
        assert answer.status_code == 200, answer.text
        return list(answer.json()["data"])

    def log(self, delivery: dict[str, Any]) -> list[dict[str, Any]]:
        return list(self.client.get(f"webhook-deliveries/{delivery['id']}").json()["log"])

    def delete_all(self) -> None:
        for endpoint_id in self._made:
            self.client.delete(f"webhook-endpoints/{endpoint_id}")


@pytest.fixture
def staff() -> Iterator[Staff]:
    """What it makes is deleted afterwards, so that nobody is told of what later tests do."""
    someone = Staff()
    yield someone
    someone.delete_all()


def bought() -> str:
    shop = Storefront(wallet_minor=5_000)
    order_id = shop.order(shop.product(price_minor=700))
    assert shop.checkout(order_id).status_code == 200
    return order_id


def of_order(receiver: Receiver, order_id: str) -> list[dict[str, Any]]:
    told = [json.loads(request.body) for request in receiver.requests]
    return [event for event in told if event["data"]["order_id"] == order_id]


def test_a_purchase_is_told_once_signed_and_with_ids_only(staff):
    with receiving(Receiver()) as receiver:
        endpoint = staff.endpoint(receiver.url)
        order_id = bought()
        eventually(lambda: len(of_order(receiver, order_id)) >= 2, what="the merchant is told of both")
        time.sleep(1.5)

    told = {event["type"]: event for event in of_order(receiver, order_id)}
    assert sorted(told) == TYPES
    assert len(of_order(receiver, order_id)) == 2
    assert told[TYPES[0]]["data"]["total_minor"] == told[TYPES[1]]["data"]["captured_minor"] == 700
    for request in receiver.requests:
        header = request.headers[HEADER]
        verify(request.body, header=header, secrets=[endpoint["secret"]], now=int(time.time()))
        assert b"@example.org" not in request.body
    assert {delivery["state"] for delivery in staff.deliveries(endpoint)} == {"succeeded"}


def test_an_endpoint_that_fails_at_first_is_told_again_and_the_log_has_both(staff):
    with receiving(Receiver(statuses=[500, 200], answer=b"y" * 2000)) as receiver:
        endpoint = staff.endpoint(receiver.url, TYPES[:1])
        bought()
        eventually(lambda: staff.deliveries(endpoint, state="succeeded"), what="the second attempt succeeds")

    (delivery,) = staff.deliveries(endpoint)
    assert delivery["attempts"] == 2
    assert [(entry["number"], entry["status"], len(entry["answer"])) for entry in staff.log(delivery)] == [
        (1, 500, 1024),
        (2, 200, 1024),
    ]
    first, second = receiver.requests
    assert first.body == second.body
    assert first.headers[HEADER] != second.headers[HEADER]


def test_a_delivery_is_sent_again_when_staff_ask(staff):
    with receiving(Receiver()) as receiver:
        endpoint = staff.endpoint(receiver.url, TYPES[:1])
        bought()
        (delivery,) = eventually(lambda: staff.deliveries(endpoint, state="succeeded"), what="it is told")

        answer = staff.client.post(f"webhook-deliveries/{delivery['id']}/replay")

        assert (answer.status_code, answer.json()["state"]) == (202, "pending")
        eventually(lambda: len(receiver.requests) == 2, what="it is told again")
    assert receiver.requests[0].body == receiver.requests[1].body


def test_what_is_not_answered_waits_while_another_endpoint_is_told(staff):
    with receiving(Receiver()) as receiver:
        dead = staff.endpoint("http://127.0.0.1:9/", TYPES[:1])
        staff.endpoint(receiver.url, TYPES[:1])
        order_id = bought()

        eventually(lambda: of_order(receiver, order_id), what="the living one is told")
        (waiting,) = eventually(
            lambda: [d for d in staff.deliveries(dead) if d["attempts"]], what="the dead one is tried"
        )

    assert waiting["state"] == "pending"
    assert "ConnectionRefusedError" in staff.log(waiting)[0]["error"]


def test_the_secret_is_shown_once_and_an_endpoint_can_be_stopped_and_deleted(staff):
    endpoint = staff.endpoint("http://127.0.0.1:9/")
    path = f"webhook-endpoints/{endpoint['id']}"

    assert len(endpoint["secret"]) > 40
    assert "secret" not in staff.client.get(path).json()
    assert all("secret" not in listed for listed in staff.client.get("webhook-endpoints").json()["data"])
    assert staff.client.patch(path, json={"is_enabled": False}).json()["is_enabled"] is False
    assert [staff.client.delete(path).status_code for _ in range(2)] == [204, 404]
    assert staff.client.get(path).status_code == 404


@pytest.mark.parametrize(
    "body",
    [
        {"url": "http://127.0.0.1:9/"},
        {"url": "http://127.0.0.1:9/", "event_types": []},
        {"url": "http://127.0.0.1:9/", "event_types": ["payments.operation.requested.v1"]},
        {"url": "http://user@127.0.0.1/", "event_types": TYPES},
        {"url": "http://2130706433/", "event_types": TYPES},
        {"url": 7, "event_types": TYPES},
    ],
)
def test_an_endpoint_that_makes_no_sense_is_refused(staff, body):
    assert staff.client.post("webhook-endpoints", json=body).status_code == 400


PATHS = [
    ("GET", "webhook-endpoints"),
    ("POST", "webhook-endpoints"),
    ("PATCH", "webhook-endpoints/00000000-0000-7000-8000-000000000000"),
    ("DELETE", "webhook-endpoints/00000000-0000-7000-8000-000000000000"),
    ("GET", "webhook-deliveries"),
    ("GET", "webhook-deliveries/00000000-0000-7000-8000-000000000000"),
    ("POST", "webhook-deliveries/00000000-0000-7000-8000-000000000000/replay"),
]


@pytest.mark.parametrize(("method", "path"), PATHS)
def test_only_staff_may_look_or_touch(method, path):
    shop = Storefront()

    asked = shop.client.request(method, path)
    unknown = httpx.request(method, str(shop.client.base_url) + path)

    assert (asked.status_code, unknown.status_code) == (403, 401)
