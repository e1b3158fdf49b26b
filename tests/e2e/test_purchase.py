"""A purchase from the HTTP request to the row in Cassandra, on real servers."""

import json
import uuid
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import httpx
import pytest

from core.env import env
from core.payments.models import PaymentEvent
from deploy.demo.verdict import provider_log
from payments_ledger import session
from tests.storefront import Storefront, events_of, payments_of

HELD = ["payment.created", "payment.authorized"]
HELD_LATE = ["payment.created", "attempt.unknown", "payment.authorized"]


def ledger_rows(order_id: str) -> list[dict]:
    return session.lookup("SELECT * FROM payment_events WHERE order_id = ?", [uuid.UUID(order_id)])


def test_a_wallet_purchase_is_paid_at_once_and_recorded_in_cassandra_byte_for_byte():
    shop = Storefront(wallet_minor=10_000)
    product = shop.product(price_minor=1250, stock=5)
    order_id = shop.order(product, quantity=2)

    answer = shop.checkout(order_id)

    assert answer.status_code == 200
    assert answer.json()["payment_status"] == "paid"
    assert answer.json()["fulfilment_status"] == "confirmed"
    assert shop.balance_minor() == 7_500
    product.refresh_from_db()
    assert product.stock == 3
    shop.recorded(order_id)
    event = PaymentEvent.objects.get(order_id=order_id)
    (row,) = ledger_rows(order_id)
    assert row["body"].encode() == bytes(event.body)
    assert row["body_sha256"] == bytes(event.body_sha256)
    assert dict(row["postings"]) == {"wallet_liability": 2500, "revenue": -2500}
    assert (row["event_type"], row["amount_minor"], row["seq"]) == ("payments.payment.captured.v1", 2500, 1)
    day_rows = session.lookup(
        "SELECT * FROM events_by_day WHERE booking_day = ? AND payment_type = ? AND bucket = ?",
        [event.booking_day, "wallet", event.bucket],
    )
    assert [found["amount_minor"] for found in day_rows if found["payment_id"] == event.payment_id] == [2500]
    (latest,) = session.lookup("SELECT * FROM payments_by_id WHERE payment_id = ?", [event.payment_id])
    assert (latest["status"], latest["captured_minor"], latest["version"]) == ("captured", 2500, 1)


@pytest.mark.parametrize(
    ("token", "status", "events"),
    [
        ("tok_approve", "paid", [*HELD, "payment.captured"]),
        ("tok_decline", "failed", ["payment.created", "payment.failed"]),
        ("tok_timeout_after_charge", "paid", [*HELD_LATE, "payment.captured"]),
        ("tok_500_after_charge", "paid", [*HELD_LATE, "payment.captured"]),
        ("tok_timeout_before_charge", "paid", [*HELD_LATE, "payment.captured"]),
    ],
)
def test_a_card_purchase_ends_as_the_provider_decided(token, status, events):
    shop = Storefront()
    product = shop.product(price_minor=999, stock=5)
    order_id = shop.order(product, quantity=3)

    answer = shop.pay_by_card(order_id, token)

    assert answer.status_code == 202
    assert answer.json()["payment_status"] == "pending"
    assert answer.headers["Location"].endswith(order_id)
    order = shop.settled(order_id)
    assert order["payment_status"] == status
    assert order["fulfilment_status"] == ("confirmed" if status == "paid" else "draft")
    product.refresh_from_db()
    assert product.stock == (2 if status == "paid" else 5)
    assert events_of(order_id) == events
    shop.recorded(order_id)
    rows = sorted(ledger_rows(order_id), key=lambda row: row["seq"])
    assert [row["seq"] for row in rows] == list(range(1, len(events) + 1))
    assert sum(row["amount_minor"] for row in rows if row["event_type"].endswith("captured.v1")) == (
        2997 if status == "paid" else 0
    )
    (payment,) = payments_of(order_id)
    moved = [
        (record["kind"], record["moved_minor"])
        for record in provider_log()
        if record["type"] == "operation" and record["payment_id"] == str(payment.id)
    ]
    assert moved == ([("authorize", 2997), ("capture", 2997)] if status == "paid" else [("authorize", 0)])


def test_a_declined_order_can_be_paid_another_way():
    shop = Storefront(wallet_minor=5_000)
    order_id = shop.order(shop.product(price_minor=2_000))
    shop.pay_by_card(order_id, "tok_decline")
    shop.settled(order_id)

    answer = shop.checkout(order_id)

    assert answer.status_code == 200
    assert answer.json()["payment_status"] == "paid"
    assert [payment.state for payment in payments_of(order_id)] == ["failed", "captured"]
    assert shop.balance_minor() == 3_000


@pytest.mark.parametrize("method", ["wallet", "card"])
def test_the_same_key_sent_many_times_at_once_charges_once(method):
    shop = Storefront(wallet_minor=100_000)
    order_id = shop.order(shop.product(price_minor=700))
    key = uuid.uuid4().hex
    token = "tok_approve" if method == "card" else None

    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda _: shop.checkout(order_id, method=method, token=token, key=key), range(10)))

    statuses = {answer.status_code for answer in answers}
    assert statuses <= {200, 202, 409}
    refused = [answer for answer in answers if answer.status_code == 409]
    assert all(answer.json()["code"] == "idempotency_key_in_flight" for answer in refused)
    assert all(answer.headers["Retry-After"] == "1" for answer in refused)
    assert sum("Idempotent-Replayed" not in answer.headers for answer in answers) == 1 + len(refused)
    assert shop.settled(order_id)["payment_status"] == "paid"
    (payment,) = payments_of(order_id)
    assert payment.captured_minor == 700
    assert shop.balance_minor() == (99_300 if method == "wallet" else 100_000)


def test_a_replay_gives_the_stored_answer_and_another_body_is_refused():
    shop = Storefront(wallet_minor=1_000)
    order_id = shop.order(shop.product(price_minor=900))
    first = shop.checkout(order_id, key="the-key")

    replay = shop.checkout(order_id, key="the-key")
    other = shop.checkout(order_id, key="the-key", method="card", token="tok_approve")
    stranger = Storefront(wallet_minor=1_000)
    strangers = stranger.checkout(stranger.order(stranger.product(price_minor=900)), key="the-key")

    assert replay.json() == first.json()
    assert (replay.status_code, replay.headers["Idempotent-Replayed"]) == (200, "true")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    assert (strangers.status_code, strangers.headers.get("Idempotent-Replayed")) == (200, None)
    assert shop.balance_minor() == 100


def test_the_replay_of_a_202_answers_the_current_state():
    shop = Storefront()
    order_id = shop.order(shop.product())
    assert shop.checkout(order_id, method="card", token="tok_approve", key="card-key").status_code == 202
    shop.settled(order_id)

    replay = shop.checkout(order_id, method="card", token="tok_approve", key="card-key")

    assert replay.status_code == 200
    assert replay.json()["payment_status"] == "paid"
    assert replay.headers["Idempotent-Replayed"] == "true"


def test_refusals_change_nothing_and_are_replayed():
    shop = Storefront(wallet_minor=1_000)
    product = shop.product(price_minor=600, stock=1)
    too_dear, too_many = shop.order(shop.product(price_minor=1_001)), shop.order(product, quantity=1)
    type(product).objects.filter(pk=product.pk).update(stock=0)

    poor = shop.checkout(too_dear, key="poor")
    sold_out = shop.checkout(too_many, key="sold-out")

    assert (poor.status_code, poor.json()["code"]) == (402, "insufficient_funds")
    assert poor.headers["Content-Type"] == "application/problem+json"
    assert (sold_out.status_code, sold_out.json()["code"]) == (409, "out_of_stock")
    again = shop.checkout(too_dear, key="poor")
    assert (again.status_code, again.json(), again.headers["Idempotent-Replayed"]) == (402, poor.json(), "true")
    assert shop.balance_minor() == 1_000
    assert payments_of(too_dear) == payments_of(too_many) == []
    assert shop.read(too_many)["fulfilment_status"] == "draft"
    type(product).objects.filter(pk=product.pk).update(stock=1)


def test_anothers_order_looks_like_none():
    order_id = Storefront().order(Storefront().product())
    stranger = Storefront(wallet_minor=10_000)

    read, paid = stranger.client.get(f"orders/{order_id}"), stranger.checkout(order_id)
    missing = stranger.client.get(f"orders/{uuid.uuid4()}")

    assert (read.status_code, paid.status_code, missing.status_code) == (404, 404, 404)
    assert {read.json()["code"], paid.json()["code"], missing.json()["code"]} == {"not_found"}


@pytest.mark.parametrize("quantity", [0, -1, 1.5, True, None, "1", [1], 2**31, 10**30])
def test_a_quantity_that_is_no_sensible_integer_is_refused(quantity):
    shop = Storefront()
    product = shop.product()

    body = json.dumps({"lines": [{"product_id": str(product.id), "quantity": quantity}]})
    answer = shop.client.post("orders", content=body, headers={"Content-Type": "application/json"})

    assert answer.status_code == 400
    assert answer.json()["code"] in ("invalid", "parse_error")


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"{", b'{"lines": NaN}', b'{"lines": "\\u0000"}', b'{"lines": "\\ud800"}', b"[" * 100_000],
    ids=["empty", "array", "cut", "nan", "nul", "surrogate", "deep"],
)
def test_a_body_that_cannot_be_read_is_refused(body):
    answer = Storefront().client.post("orders", content=body, headers={"Content-Type": "application/json"})

    assert answer.status_code == 400
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_a_body_over_the_limit_is_refused_unread():
    body = json.dumps({"lines": [], "note": "x" * 1_100_000}).encode()

    answer = Storefront().client.post("orders", content=body, headers={"Content-Type": "application/json"})

    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")


def test_another_method_or_media_type_is_a_problem_with_a_plain_title():
    client = Storefront().client

    wrong_method = client.put("orders", json={})
    wrong_type = client.post("orders", content=b"<order/>", headers={"Content-Type": "text/xml"})

    assert (wrong_method.status_code, wrong_method.json()["title"]) == (405, "Method Not Allowed")
    assert (wrong_type.status_code, wrong_type.json()["title"]) == (415, "Unsupported Media Type")


def test_the_whole_price_comes_from_the_catalogue():
    shop = Storefront(wallet_minor=10_000)
    product = shop.product(price_minor=1_999)

    answer = shop.client.post(
        "orders",
        json={"lines": [{"product_id": str(product.id), "quantity": 2, "unit_price_minor": 1}], "total_minor": 1},
    )

    assert answer.json()["total"] == {"amount_minor": 3_998, "currency": "GBP"}
    assert Decimal(answer.json()["lines"][0]["unit_price_minor"]) == 1_999


def test_health_schema_and_documentation_answer_without_signing_in():
    base = env.str("WEB_URL")

    assert httpx.get(f"{base}/livez").json() == {"status": "ok"}
    assert httpx.get(f"{base}/readyz").json()["checks"]["postgresql"] == "ok"
    assert "openapi: 3.0" in httpx.get(f"{base}/api/schema").text
    page = httpx.get(f"{base}/api/docs").text
    assert "/static/drf_spectacular_sidecar/" in page
    assert "https://cdn" not in page
    assert httpx.get(f"{base}/static/drf_spectacular_sidecar/swagger-ui-dist/swagger-ui.css").status_code == 200


@pytest.mark.parametrize("path", ["orders", "wallets", "accounts/me", f"payments/{uuid.uuid4()}"])
def test_without_a_token_nothing_private_is_shown(path):
    answer = httpx.get(f"{env.str('WEB_URL')}/api/v1/{path}")

    assert (answer.status_code, answer.json()["code"]) == (401, "not_authenticated")
